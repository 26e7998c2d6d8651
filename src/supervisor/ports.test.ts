import { expect, test } from "bun:test";
import { check } from "../kube/check.ts";
import { objectRecords } from "../service/wanted.ts";
import { serviceName } from "../spec/spec.ts";
import type { ServiceOptions } from "../state/state.ts";
import { refuseLowPorts } from "./ports.ts";

const name = serviceName("shop");
const WEB = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: main, image: test:1}]}\n";

/** What playing a pod with these options fails with, where ordinary users have ports from `first` on. */
function refused(given: Partial<ServiceOptions>, { uid = 0, first = 1024, text = WEB }: { readonly uid?: number; readonly first?: number; readonly text?: string } = {}): unknown {
  const result = check([{ file: "web.yaml", text }], {});
  if (!result.ok) throw new Error("the manifest is wrong");
  const options: ServiceOptions = { exitPolicy: "none", network: "bridge", publish: [], ...given };
  const request = { record: { name, files: [], texts: [], options, revision: 1, playedAt: 0 }, objects: objectRecords(name, result.checked, options) };
  const paths = { durable: "", runtime: "", logs: "", self: [], ...(uid === 0 ? {} : { rootless: { uid } }) };
  try {
    return refuseLowPorts({ paths }, request, first);
  } catch (thrown) {
    return thrown;
  }
}

test("refuseLowPorts() tells a user all ports that are not for users, with the parameter that lets them be", () => {
  expect(refused({ publish: ["443:8443", "80:8080/udp", "8080:80"] }, { uid: 64_711 })).toMatchObject({
    kind: "unavailable",
    code: "ELOWPORT",
    message: 'Cannot play "shop": host port 443/tcp of pod "web" is not for user "64711", it should be 1024 or more; host port 80/udp of pod "web" is not for user "64711", it should be 1024 or more',
    hint: "nothing was changed; this lets users have it: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80",
  });
});

test("refuseLowPorts() leaves root alone, ports that are for users, and what nobody opens", () => {
  expect(refused({ publish: ["80:8080"] })).toBeUndefined();
  expect(refused({ publish: ["80:8080"] }, { uid: 64_711, first: 80 })).toBeUndefined();
  expect(refused({ publish: ["80:80"] }, { uid: 64_711, text: WEB.replace("spec: {", "spec: {hostNetwork: true, ") })).toBeUndefined();
});
