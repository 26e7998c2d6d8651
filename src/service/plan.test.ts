import { describe, expect, test } from "bun:test";
import { check } from "../kube/check.ts";
import { exampleContainer, exampleEnd, examplePod } from "../spec/examples.ts";
import { namespace, serviceName, type ConfigMap, type Pod } from "../spec/spec.ts";
import type { ContainerRecord, HostPort, ObjectRecord, PodRecord } from "../state/state.ts";
import { conflicts, heldPorts } from "./conflicts.ts";
import { allEnded, exitStatus } from "./exit.ts";
import { planService, type PlanInput } from "./plan.ts";
import type { Listener } from "../network/listeners.ts";
import { hostPortsOf, newPod } from "../pod/records.ts";
import { hashOf, objectRecords, parsePublish } from "./wanted.ts";

const service = serviceName("shop");
const wanted = (name: string, hash = "h"): ObjectRecord => ({ service, object: examplePod(name), hash });
const exists = (name: string, change: Partial<PodRecord> = {}): PodRecord => ({
  ...newPod({ service, pod: examplePod(name), hash: "h", network: "bridge", cgroup: "/wherry/shop", now: 1 }).record,
  ip: "", phase: "Running", sandboxAt: 1, ...change,
});
const configMap: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: namespace("default"), labels: {}, annotations: {} }, data: {}, binaryData: {} };

const plan = (input: Partial<PlanInput>): readonly string[] =>
  planService({ wanted: [], recorded: [], pods: [], replace: false, restart: false, cgroup: "", ...input }).steps.map(({ verb, kind, name }) => `${verb} ${kind}/${name}`);

test("planService() creates, replaces and removes exactly what differs", () => {
  expect(plan({ wanted: [wanted("a"), wanted("b", "other"), wanted("c")], pods: [exists("a"), exists("b"), exists("d")] })).toEqual([
    "unchanged Pod/a", "replace Pod/b", "create Pod/c", "remove Pod/d",
  ]);
});

test("planService() finds nothing to do when nothing has changed", () => {
  const config: ObjectRecord = { service, object: configMap, hash: "x" };
  const result = planService({ wanted: [config, wanted("a")], recorded: [config, wanted("a")], pods: [exists("a")], replace: false, restart: false, cgroup: "" });
  expect(result.unchanged).toBe(true);
});

test("planService() remakes everything with replace, and what runs outside the unit", () => {
  expect(plan({ wanted: [wanted("a")], pods: [exists("a")], replace: true })).toEqual(["replace Pod/a"]);
  expect(plan({ wanted: [wanted("a")], pods: [exists("a")], cgroup: "/system.slice/x.service" })).toEqual(["replace Pod/a"]);
});

test("planService() starts what was stopped, and without a supervisor what had ended", () => {
  expect(plan({ wanted: [wanted("a")], pods: [exists("a", { wanted: "stopped" })] })).toEqual(["start Pod/a"]);
  expect(plan({ wanted: [wanted("a")], pods: [exists("a", { phase: "Failed" })], restart: true })).toEqual(["start Pod/a"]);
  expect(plan({ wanted: [wanted("a")], pods: [exists("a", { phase: "Failed" })] })).toEqual(["unchanged Pod/a"]);
});

test("planService() configures and removes config objects", () => {
  const record: ObjectRecord = { service, object: configMap, hash: "x" };
  expect(plan({ wanted: [{ ...record, hash: "y" }], recorded: [record] })).toEqual(["configure ConfigMap/settings"]);
  expect(plan({ recorded: [record] })).toEqual(["remove ConfigMap/settings"]);
});

test("hashOf() does not depend on the order of keys", () => {
  expect(hashOf({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(hashOf({ b: [{ d: 3, c: 2 }], a: 1 }));
  expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }));
});

test("parsePublish() reads podman's forms", () => {
  expect(parsePublish("8080:80")).toMatchObject({ hostIP: "", hostPort: 8080, containerPort: 80, protocol: "TCP" });
  expect(parsePublish("127.0.0.1:8080:80/udp")).toMatchObject({ hostIP: "127.0.0.1", hostPort: 8080, protocol: "UDP" });
  expect(parsePublish("80")).toMatchObject({ hostPort: 80, containerPort: 80 });
  for (const bad of ["", "x", "80:", "70000:80", "1:2:3:4"]) expect(() => parsePublish(bad)).toThrow(/Cannot publish/);
});

const records = (yaml: string, network: "bridge" | "none" | "host"): readonly string[] => {
  const result = check([{ file: "a.yaml", text: `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {${yaml}}}` }]);
  return result.ok ? objectRecords(service, result.checked, { publish: [], network }).map(({ hash }) => hash) : ["refused"];
};

test("objectRecords() gives a pod another hash when its network is another one", () => {
  const pod = "containers: [{name: a, image: x}]";
  const [bridge, again, none, host] = [records(pod, "bridge"), records(pod, "bridge"), records(pod, "none"), records(pod, "host")];
  expect([again, new Set([bridge, none, host].flat()).size]).toEqual([bridge, 3]);
  const onHost = `hostNetwork: true, ${pod}`;
  expect(records(onHost, "none")).toEqual(records(onHost, "bridge"));
});

test("objectRecords() gives a pod another hash when variables or subPaths change, and not for files that are only mounted", () => {
  const hashes = (colour: string, pod: string): readonly string[] => {
    const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: ${colour}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {volumes: [{name: v, projected: {sources: [{configMap: {name: c}}]}}], containers: [{name: a, image: x, ${pod}}]}}`;
    const result = check([{ file: "a.yaml", text }]);
    return result.ok ? objectRecords(service, result.checked, { publish: [], network: "none" }).filter(({ object }) => object.kind === "Pod").map(({ hash }) => hash) : [];
  };
  const follows = (pod: string): boolean => hashes("red", pod)[0] === hashes("blue", pod)[0];
  expect(follows("volumeMounts: [{name: v, mountPath: /v}]")).toBe(true);
  expect(follows("volumeMounts: [{name: v, mountPath: /v, subPath: k}]")).toBe(false);
  expect(follows("volumeMounts: [{name: v, mountPath: /v, subPathExpr: k}]")).toBe(false);
  expect(follows("env: [{name: E, valueFrom: {configMapKeyRef: {name: c, key: k}}}]")).toBe(false);
  expect(follows("envFrom: [{configMapRef: {name: c}}]")).toBe(false);
});

test("planService() leaves claims and volumes that have left the manifest alone", () => {
  const result = check([{ file: "a.yaml", text: "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}" }]);
  if (!result.ok) throw new Error("it is right");
  const records = objectRecords(service, result.checked, { publish: [], network: "none" });
  expect([plan({ recorded: records }), plan({ wanted: records })]).toEqual([[], ["create PersistentVolumeClaim/c"]]);
});

test("planService() forgets a Namespace that has left the manifest, and conflicts() lets services share one", () => {
  const result = check([{ file: "a.yaml", text: "{apiVersion: v1, kind: Namespace, metadata: {name: trade}}" }]);
  if (!result.ok) throw new Error("it is right");
  const records = objectRecords(service, result.checked, { publish: [], network: "none" });
  expect([plan({ recorded: records }), plan({ wanted: records }), plan({ wanted: records, recorded: records })]).toEqual([["remove Namespace/trade"], ["create Namespace/trade"], ["unchanged Namespace/trade"]]);
  expect(conflicts(records, [], records.map((each) => ({ ...each, service: serviceName("other") })))).toEqual([]);
});

test("objectRecords() refuses a host port that a pod without a network could not have", () => {
  const pod = "containers: [{name: a, image: x, ports: [{containerPort: 80, hostPort: 80}]}]";
  expect(() => records(pod, "none")).toThrow('Cannot publish host port 80/TCP of pod "web": the network of the service is "none", it must be bridge or host');
  expect(records(pod, "bridge")).toHaveLength(1);
});

const port = (hostPort: number, hostIP?: string): Pod =>
  examplePod("p", { containers: [exampleContainer("main", { ports: [{ containerPort: 80, hostPort, protocol: "TCP", ...(hostIP === undefined ? {} : { hostIP }) }] })] });

test("conflicts() names the service that holds a pod's name or host port", () => {
  const other = { pod: { ...exists("p"), service: serviceName("other") }, ports: hostPortsOf(port(80), "bridge") };
  const asked = (pod: Pod): readonly string[] => conflicts([{ service, object: pod, hash: "" }], [other]);
  expect(asked(examplePod("p"))).toEqual(['pod "default/p" belongs to service "other"']);
  expect(asked({ ...port(80, "127.0.0.1"), metadata: examplePod("q").metadata })).toEqual(['host port 80/tcp of pod "q" is held by pod "p" of service "other"']);
  expect(asked({ ...port(81), metadata: examplePod("q").metadata })).toEqual([]);
});

const ended = (...codes: readonly number[]): readonly ContainerRecord[] =>
  codes.map((code, index) => {
    const [container] = newPod({ service, pod: examplePod("x"), hash: "", network: "none", cgroup: "", now: 0 }).containers;
    if (container === undefined) throw new Error("no container");
    return { ...container, state: exampleEnd(code, { finishedAt: 2000 + index }) };
  });

test("exitStatus() is the failed container's own, as the policy says", () => {
  expect([exitStatus("none", ended(3)), exitStatus("any", ended(0, 3, 4)), exitStatus("all", ended(0, 3)), exitStatus("all", ended(3, 4)), exitStatus("any", ended(0, 0))]).toEqual([0, 3, 0, 3, 0]);
});

test("allEnded() is true when no pod runs or will run", () => {
  expect(allEnded([exists("a", { phase: "Succeeded", sandboxAt: 0 }), exists("b", { wanted: "stopped", sandboxAt: 0 })])).toBe(true);
  expect(allEnded([exists("a", { phase: "Succeeded", sandboxAt: 0 }), exists("b")])).toBe(false);
  expect(allEnded([])).toBe(true);
});

describe("heldPorts()", () => {
  const listener = (address: string, port: number, protocol: "tcp" | "udp" = "tcp"): Listener => ({ protocol, address, port, uid: 1000, inode: "1" });
  const held = (wanted: Partial<HostPort>, listeners: readonly Listener[], own: readonly HostPort[] = []): number =>
    heldPorts([{ name: "web", ports: [{ ip: "", port: 8080, protocol: "tcp", ...wanted }] }], { own, listeners }).length;

  test("finds who listens on every address, or on the wanted one", () => {
    expect(held({}, [listener("", 8080)])).toBe(1);
    expect(held({ ip: "192.0.2.1" }, [listener("192.0.2.1", 8080)])).toBe(1);
    expect(held({ ip: "192.0.2.1" }, [listener("", 8080)])).toBe(1);
  });

  test("passes over other addresses, ports and protocols, and over what the service has already", () => {
    expect(held({}, [listener("127.0.0.53", 8080), listener("", 8081), listener("", 8080, "udp")])).toBe(0);
    expect(held({ protocol: "sctp" }, [listener("", 8080)])).toBe(0);
    expect(held({}, [listener("", 8080)], [{ ip: "", port: 8080, protocol: "tcp" }])).toBe(0);
  });
});
