import { expect, test } from "bun:test";
import { containerName, namespace, podName } from "../spec/spec.ts";
import { fieldValue, type PodFacts, resourceValue } from "./downward.ts";
import { containerOf, podOf } from "./fixtures.ts";

const metadata = { name: podName("shop"), namespace: namespace("prod"), labels: { app: "web", "a.b/c": 'q"x\n' }, annotations: { note: "é\u0001\u00a0" } };
const facts: PodFacts = { pod: { ...podOf([containerOf()]), metadata }, uid: "u-1", node: { name: "host", ip: "192.0.2.1" }, podIPs: ["10.89.0.2"] };

const FIELDS: readonly (readonly [string, string])[] = [
  ["metadata.name", "shop"], ["metadata.namespace", "prod"], ["metadata.uid", "u-1"], ["metadata.labels['app']", "web"], ["metadata.labels['none']", ""],
  ["metadata.annotations['note']", "é\u0001\u00a0"], ["spec.nodeName", "host"], ["spec.serviceAccountName", "default"], ["status.hostIP", "192.0.2.1"],
  ["status.hostIPs", "192.0.2.1"], ["status.podIP", "10.89.0.2"], ["status.podIPs", "10.89.0.2"],
  ["metadata.labels", 'a.b/c="q\\"x\\n"\napp="web"'], ["metadata.annotations", 'note="é\\x01\\u00a0"'],
];
for (const [path, value] of FIELDS) test(`fieldValue gives ${path}`, () => expect(fieldValue(facts, path)).toBe(value));

test("fieldValue joins addresses of two families with a comma, and gives the first alone", () => {
  const two: PodFacts = { ...facts, node: { ...facts.node, ip6: "2001:db8::1" }, podIPs: ["10.89.0.2", "fd00::2"] };
  const values = ["status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs"].map((path) => fieldValue(two, path));
  expect(values).toEqual(["10.89.0.2", "10.89.0.2,fd00::2", "192.0.2.1", "192.0.2.1,2001:db8::1"]);
});

test("fieldValue gives the service account that is named, and refuses what is no field", () => {
  const pod = podOf([containerOf()], { serviceAccountName: "robot" });
  expect(fieldValue({ ...facts, pod }, "spec.serviceAccountName")).toBe("robot");
  expect(() => fieldValue(facts, "status.phase")).toThrow(/field of the downward API/);
});

const limits = { cpu: "1500m", memory: "64Mi", "hugepages-2Mi": "4Mi" };
const pod = podOf([containerOf({ resources: { limits, requests: { cpu: "250m" } } }), containerOf({ name: containerName("free") })]);
const host = { cpu: "4", memory: "8Gi", "ephemeral-storage": "100G" };
const RESOURCES: readonly (readonly [string, string, string, string])[] = [
  ["web", "limits.cpu", "1", "2"], ["web", "limits.cpu", "1m", "1500"], ["web", "requests.cpu", "1m", "250"], ["web", "requests.memory", "1Mi", "64"],
  ["web", "limits.memory", "1M", "68"], ["web", "limits.hugepages-2Mi", "1", "4194304"], ["web", "limits.ephemeral-storage", "1G", "100"],
  ["free", "limits.cpu", "1", "4"], ["free", "limits.memory", "1Gi", "8"], ["free", "requests.memory", "1", "0"], ["free", "limits.hugepages-2Mi", "1", "0"],
];
for (const [containerName, resource, divisor, value] of RESOURCES) {
  test(`resourceValue gives ${resource} of ${containerName} in ${divisor} as ${value}`, () => expect(resourceValue(pod, { containerName, resource, divisor }, host)).toBe(value));
}

test("resourceValue takes the pod's own limit before the host's", () => {
  const whole = podOf([containerOf()], { resources: { limits: { memory: "1Gi" } } });
  expect(resourceValue(whole, { containerName: "web", resource: "limits.memory", divisor: "1Mi" }, host)).toBe("1024");
  expect(() => resourceValue(whole, { containerName: "nobody", resource: "limits.memory", divisor: "1" }, host)).toThrow(/no such container/);
});
