import { expect, test } from "bun:test";
import { join } from "node:path";
import { newPodUid, serviceName } from "../spec/spec.ts";
import { containerRecord, podObject, podRecord, temporaryDirectory } from "./fixtures.ts";
import { openRuntime } from "./mod.ts";
import type { HostPort, PodRecord, RuntimeState } from "./state.ts";

function runtime(): Disposable & { readonly state: RuntimeState; readonly add: (pod: Omit<PodRecord, "ip" | "ip6">, hostPorts?: readonly HostPort[]) => PodRecord } {
  const directory = temporaryDirectory();
  const state = openRuntime(join(directory.path, "run.db"));
  return {
    state,
    add: (pod, hostPorts = []) => state.addPod(pod, [containerRecord(pod.uid)], { subnet: "10.89.0.0/29", hostPorts }),
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

const BLOG = serviceName("blog");

test("RuntimeState.addPod() records pod, containers, address and host ports; removePod() forgets them all", () => {
  using it = runtime();
  const pod = podRecord();
  const port: HostPort = { ip: "", port: 8080, protocol: "tcp" };
  const added = it.add(pod, [port]);
  expect(added).toEqual({ ...pod, ip: "10.89.0.2" });
  expect([it.state.pod(pod.uid), it.state.pods()]).toEqual([added, [added]]);
  expect(it.state.containers(pod.uid)).toEqual([containerRecord(pod.uid)]);
  expect(it.state.hostPorts(pod.uid)).toEqual([port]);
  for (const _ of [1, 2]) it.state.removePod(pod.uid);
  expect([it.state.pod(pod.uid), it.state.pods(), it.state.containers(), it.state.hostPorts(pod.uid)]).toEqual([undefined, [], [], []]);
  expect(it.add(podRecord(), [port]).ip).toBe("10.89.0.2");
});

test("RuntimeState.addPod() gives the lowest free address, and none without a bridge", () => {
  using it = runtime();
  const first = it.add(podRecord("a"));
  expect(it.add(podRecord("b")).ip).toBe("10.89.0.3");
  expect(it.add(podRecord("c", { network: "host" })).ip).toBe("");
  expect(it.add(podRecord("d", { network: "none" })).ip).toBe("");
  it.state.removePod(first.uid);
  expect(it.add(podRecord("e")).ip).toBe("10.89.0.2");
});

test("RuntimeState.addPod() gives the IPv6 address that goes with the other, where there is a subnet of it and a bridge", () => {
  using it = runtime();
  const add = (name: string, network: PodRecord["network"]): PodRecord =>
    it.state.addPod(podRecord(name, { network }), [], { subnet: "10.89.0.0/29", subnet6: "fd00:1::/64", hostPorts: [] });
  const [pod, none] = [add("a", "bridge"), add("b", "none")];
  expect([pod.ip, pod.ip6, none.ip, none.ip6]).toEqual(["10.89.0.2", "fd00:1::2", "", undefined]);
  expect(it.state.pod(pod.uid)).toEqual(pod);
});

test("RuntimeState.addPod() records nothing when no address is free", () => {
  using it = runtime();
  for (const name of ["a", "b", "c", "d"]) it.add(podRecord(name));
  expect(() => it.add(podRecord("f"))).toThrow(expect.objectContaining({ kind: "unavailable", message: 'Cannot give an address of "10.89.0.0/29": all of its 4 addresses are taken' }));
  expect(it.state.pods({ name: "f" })).toEqual([]);
});

test("RuntimeState.addPod() names the service that has a pod of that name", () => {
  using it = runtime();
  it.add(podRecord("web"));
  expect(() => it.add(podRecord("web", { service: BLOG }))).toThrow(expect.objectContaining({
    kind: "conflict",
    message: 'Cannot add pod "default/web": service "shop" has a pod of that name, it should have another name or namespace',
    hint: "wherry down shop",
  }));
  it.add(podRecord("web", { service: BLOG, pod: podObject("web", "other") }));
  expect(it.state.pods()).toHaveLength(2);
});

test("RuntimeState.addPod() lets a pod of the same service follow one that is being removed, and nobody else", () => {
  using it = runtime();
  const old = it.add(podRecord("web"));
  expect(() => it.add(podRecord("web"))).toThrow(expect.objectContaining({ kind: "conflict" }));
  it.state.updatePod(old.uid, { wanted: "removed" });
  expect(() => it.add(podRecord("web", { service: BLOG }))).toThrow(expect.objectContaining({ kind: "conflict" }));
  expect(it.add(podRecord("web")).ip).toBe("10.89.0.3");
});

const tcp = (ip: string, port = 80): HostPort => ({ ip, port, protocol: "tcp" });
const PORTS: readonly (readonly [held: HostPort, wanted: HostPort, free: boolean])[] = [
  [tcp(""), tcp(""), false],
  [tcp(""), tcp("127.0.0.1"), false],
  [tcp("127.0.0.1"), tcp(""), false],
  [tcp("127.0.0.1"), tcp("0.0.0.0"), false],
  [tcp("0.0.0.0"), tcp(""), false],
  [tcp("::"), tcp("127.0.0.1"), false],
  [tcp("127.0.0.1"), tcp("127.0.0.1"), false],
  [tcp("127.0.0.1"), tcp("127.0.0.2"), true],
  [tcp(""), tcp("", 81), true],
  [tcp(""), { ...tcp(""), protocol: "udp" }, true],
];

test.each(PORTS)("RuntimeState.addPod() with %p held and %p wanted: free is %p", (held, wanted, free) => {
  using it = runtime();
  it.add(podRecord("holder"), [held]);
  if (free) expect(it.add(podRecord("web"), [wanted]).uid).toBeString();
  else expect(() => it.add(podRecord("web"), [wanted])).toThrow(expect.objectContaining({ kind: "conflict", code: "EPORTCONFLICT" }));
  expect(it.state.pods()).toHaveLength(free ? 2 : 1);
});

test("RuntimeState.addPod() names the pod and the service that hold a host port", () => {
  using it = runtime();
  it.add(podRecord("holder"), [tcp("127.0.0.1")]);
  const message = (port: HostPort): unknown => expect.objectContaining({
    message: `Cannot add pod "default/web": host port ${port.ip === "" ? "" : `${port.ip}:`}80/tcp is held by pod "default/holder" of service "shop", it should be a free one`,
  });
  for (const port of [tcp(""), tcp("127.0.0.1")]) expect(() => it.add(podRecord("web", { service: BLOG }), [port])).toThrow(message(port));
});

test("RuntimeState.updatePod() changes what is given, the name with the pod, and ignores a pod that is gone", () => {
  using it = runtime();
  const added = it.add(podRecord("web"));
  it.state.updatePod(added.uid, { phase: "Running", sandboxAt: 7, pod: podObject("renamed") });
  expect(it.state.pods({ name: "renamed" })).toEqual([{ ...added, phase: "Running", sandboxAt: 7, pod: podObject("renamed") }]);
  it.state.updatePod(newPodUid(), { phase: "Failed" });
  expect(it.state.pods()).toHaveLength(1);
});

test("RuntimeState.pods() lists by service, namespace and name, in the order of addition", () => {
  using it = runtime();
  it.add(podRecord("b"));
  it.add(podRecord("a"));
  it.add(podRecord("a", { service: BLOG, pod: podObject("a", "blog") }));
  const names = (filter: Parameters<RuntimeState["pods"]>[0]): readonly string[] => it.state.pods(filter).map(({ service, pod }) => `${service}/${pod.metadata.name}`);
  expect(names(undefined)).toEqual(["shop/b", "shop/a", "blog/a"]);
  expect(names({ service: "shop" })).toEqual(["shop/b", "shop/a"]);
  expect(names({ name: "a" })).toEqual(["shop/a", "blog/a"]);
  expect(names({ namespace: "default", name: "a" })).toEqual(["shop/a"]);
  expect(names({ service: "absent" })).toEqual([]);
});
