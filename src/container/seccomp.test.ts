import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { at } from "../runtime/mod.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";
import { ociSeccomp, type SeccompTarget } from "./seccomp.ts";

const target: SeccompTarget = { architecture: "x64", capabilities: ["CAP_CHOWN"], kernel: "6.1.0" };
const rule = (names: readonly string[], conditions: object = {}): object => ({ names, action: "SCMP_ACT_ALLOW", args: null, includes: {}, excludes: {}, ...conditions });
const allowed = (rules: readonly object[], change: Partial<SeccompTarget> = {}): unknown =>
  at(ociSeccomp({ defaultAction: "SCMP_ACT_ERRNO", syscalls: rules }, { ...target, ...change }), "syscalls");

test("ociSeccomp gives nothing when there is no profile", () => {
  expect(ociSeccomp(undefined, target)).toBeUndefined();
});

const CONDITIONS: readonly (readonly [string, object, Partial<SeccompTarget>, boolean])[] = [
  ["keeps a rule of this architecture", { includes: { arches: ["amd64"] } }, {}, true],
  ["drops a rule of another architecture", { includes: { arches: ["arm64"] } }, {}, false],
  ["drops a rule that excludes this architecture", { excludes: { arches: ["amd64"] } }, {}, false],
  ["keeps a rule for a capability that is held", { includes: { caps: ["CAP_CHOWN"] } }, {}, true],
  ["drops a rule unless all of its capabilities are held", { includes: { caps: ["CAP_CHOWN", "CAP_SYS_ADMIN"] } }, {}, false],
  ["drops a rule that excludes a capability that is held", { excludes: { caps: ["CAP_CHOWN"] } }, {}, false],
  ["keeps a rule of an older kernel", { includes: { minKernel: "4.8" } }, {}, true],
  ["drops a rule of a newer kernel", { includes: { minKernel: "6.10" } }, {}, false],
  ["keeps a rule of any kernel when the kernel is not known", { includes: { minKernel: "99.0" } }, { kernel: undefined }, true],
];
for (const [title, conditions, change, kept] of CONDITIONS) {
  test(`ociSeccomp ${title}`, () => expect(allowed([rule(["read"], conditions)], change)).toEqual(kept ? [{ names: ["read"], action: "SCMP_ACT_ALLOW" }] : []));
}

test("ociSeccomp keeps arguments and errno", () => {
  const args = [{ index: 0, value: 16, valueTwo: 0, op: "SCMP_CMP_EQ" }];
  expect(allowed([rule(["socket"], { args, errnoRet: 22, errno: "EINVAL" })])).toEqual([
    { names: ["socket"], action: "SCMP_ACT_ALLOW", errnoRet: 22, args: [{ index: 0, value: 16, op: "SCMP_CMP_EQ" }] },
  ]);
});

test("ociSeccomp reads the profile of containers-common: default containers may chroot, but not load modules", () => {
  const text = unlessMissing("/usr/share/containers/seccomp.json");
  if (text === undefined) return;
  const result = ociSeccomp(JSON.parse(text), { ...target, capabilities: DEFAULT_CAPABILITIES });
  const syscalls = at(result, "syscalls");
  const rules: readonly unknown[] = Array.isArray(syscalls) ? syscalls : [];
  const actions = (name: string): readonly unknown[] => rules.filter((each) => JSON.stringify(at(each, "names")).includes(`"${name}"`)).map((each) => at(each, "action"));
  expect(at(result, "architectures")).toEqual(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
  expect(at(result, "defaultErrnoRet")).toBe(38);
  expect(actions("chroot")).toEqual(["SCMP_ACT_ALLOW"]);
  expect(actions("init_module")).toEqual(["SCMP_ACT_ERRNO"]);
  expect(actions("socket")).toEqual(["SCMP_ACT_ALLOW"]);
});

function unlessMissing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
