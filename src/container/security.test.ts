import { describe, expect, test } from "bun:test";
import type { PodSecurityContext, SecurityContext } from "../spec/spec.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";
import { containerOf, podOf } from "./fixtures.ts";
import { capabilitiesOf, checkNonRoot, effectiveSecurity, userOf, withGroups } from "./security.ts";

const of = (pod?: PodSecurityContext, own?: SecurityContext) => {
  const container = containerOf(own === undefined ? {} : { securityContext: own });
  return { container, pod: podOf([container], pod === undefined ? {} : { securityContext: pod }) };
};

test("effectiveSecurity lets the container win over the pod, field by field", () => {
  const { pod, container } = of({ runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, fsGroup: 9, seccompProfile: { type: "Unconfined" } }, { runAsUser: 3, readOnlyRootFilesystem: true });
  expect(effectiveSecurity(pod, container)).toEqual({ runAsUser: 3, runAsGroup: 2, runAsNonRoot: true, seccompProfile: { type: "Unconfined" }, readOnlyRootFilesystem: true });
  const plain = of();
  expect(effectiveSecurity(plain.pod, plain.container)).toEqual({});
});

test("userOf takes runAsUser, else the image's user without its group", () => {
  expect([userOf({ runAsUser: 0 }, "web"), userOf({}, "web:staff"), userOf({}, "101:102"), userOf({}, "")]).toEqual(["0", "web", "101", ""]);
});

const found = { uid: 101, gid: 102, additionalGids: [103, 104], home: "/" };
const GROUPS: readonly (readonly [string, PodSecurityContext, SecurityContext, number, readonly number[]])[] = [
  ["takes those of the image", {}, {}, 102, [102, 103, 104]],
  ["adds fsGroup and supplementalGroups", { fsGroup: 5, supplementalGroups: [6, 103] }, {}, 102, [102, 103, 104, 5, 6]],
  ["leaves those of the image out when the policy is Strict", { fsGroup: 5, supplementalGroups: [6], supplementalGroupsPolicy: "Strict" }, {}, 102, [102, 5, 6]],
  ["puts runAsGroup in the place of the first", { runAsGroup: 7 }, { runAsGroup: 8 }, 8, [8, 103, 104]],
];
for (const [title, shared, own, gid, additionalGids] of GROUPS) {
  test(`withGroups ${title}`, () => {
    const { pod, container } = of(shared, own);
    expect(withGroups(found, pod, container)).toEqual({ ...found, gid, additionalGids });
  });
}

const WHERE = '(pod: "shop_default(u-1)", container: web)';
const USERS: readonly (readonly [SecurityContext, string, string | undefined])[] = [
  [{}, "", undefined], [{ runAsNonRoot: false }, "0", undefined], [{ runAsNonRoot: true }, "101", undefined], [{ runAsNonRoot: true, runAsUser: 5 }, "root", undefined],
  [{ runAsNonRoot: true }, "", "container has runAsNonRoot and image will run as root"], [{ runAsNonRoot: true }, "0:5", "container has runAsNonRoot and image will run as root"],
  [{ runAsNonRoot: true }, "web", "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root"],
  [{ runAsNonRoot: true, runAsUser: 0 }, "101", "container's runAsUser breaks non-root policy"],
];
for (const [own, imageUser, message] of USERS) {
  test(`checkNonRoot ${message === undefined ? "takes" : "refuses"} ${JSON.stringify(own)} with image user "${imageUser}"`, () => {
    const check = (): void => checkNonRoot({ ...of({}, own), uid: "u-1", imageUser });
    if (message === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(`${message} ${WHERE}`);
  });
}

describe("capabilitiesOf", () => {
  const held = [...DEFAULT_CAPABILITIES, "CAP_NET_ADMIN", "CAP_SYS_ADMIN"];
  const given = (add: readonly string[], drop: readonly string[]): readonly string[] => capabilitiesOf({ capabilities: { add, drop } }, held).given;
  test("capabilitiesOf gives the defaults, more by name and less by name", () => {
    expect(capabilitiesOf({}, held)).toEqual({ given: DEFAULT_CAPABILITIES, missing: [] });
    expect(given(["NET_ADMIN", "CAP_CHOWN"], ["KILL"])).toEqual([...DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_KILL"), "CAP_NET_ADMIN"]);
  });
  test("capabilitiesOf takes ALL first, then names", () => {
    expect(given(["NET_BIND_SERVICE"], ["ALL"])).toEqual(["CAP_NET_BIND_SERVICE"]);
    expect(given(["ALL"], ["SYS_ADMIN"])).toEqual(held.filter((name) => name !== "CAP_SYS_ADMIN"));
  });
  test("capabilitiesOf gives a privileged container all that is held, whatever it drops", () => {
    expect(capabilitiesOf({ privileged: true, capabilities: { add: [], drop: ["ALL"] } }, held).given).toEqual(held);
  });
  test("capabilitiesOf tells what is not ours to give, and refuses what does not exist", () => {
    expect(capabilitiesOf({ capabilities: { add: ["SYS_TIME"], drop: [] } }, held).missing).toEqual(["CAP_SYS_TIME"]);
    expect(() => given(["NOTHING"], [])).toThrow('capability "CAP_NOTHING": no kernel knows it');
  });
});
