import { describe, expect, test } from "bun:test";
import { check } from "./check.ts";
import type { HostLacks } from "./host.ts";
import { formatNotice, formatProblem } from "./problems.ts";

const NOTHING: HostLacks = { controllers: {}, seLinux: false };
const ALICE: HostLacks = { ...NOTHING, user: { name: "alice", firstPort: 1024, ids: 65537, sysctls: ["kernel.", "fs.mqueue."], grace: { stopTimeout: 120, longest: 110 } } };

/** What is said of a pod whose container has these fields, and whose spec has those. */
function said(lacks: HostLacks, container: string, spec = ""): readonly string[] {
  const text = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  ${spec}
  containers:
  - name: main
    image: test:1
    ${container}
`;
  const result = check([{ file: "web.yaml", text }], { lacks });
  return result.ok ? result.checked.notices.map(formatNotice) : result.problems.map((problem) => `[${problem.code}] ${formatProblem(problem)}`);
}

describe("checkHost()", () => {
  test("says nothing of a host that lacks nothing", () => {
    expect(said(NOTHING, "resources: {limits: {cpu: 1, memory: 64Mi}}")).toEqual([]);
    expect(said(NOTHING, "securityContext: {privileged: true, capabilities: {add: [SYS_TIME]}}")).toEqual([]);
  });

  test("notes limits whose controller is absent, for containers and pods, and shares of cpu", () => {
    const lacks = { ...NOTHING, controllers: { cpu: 'cgroup controller "cpu" is not handed to user "alice"' } };
    expect(said(lacks, "resources: {limits: {cpu: 1, memory: 64Mi}, requests: {cpu: 500m, memory: 1Mi}}")).toEqual([
      'web.yaml:9:31: spec.containers[0].resources.limits.cpu: not as asked for on this host: cgroup controller "cpu" is not handed to user "alice"',
      'web.yaml:9:65: spec.containers[0].resources.requests.cpu: not as asked for on this host: cgroup controller "cpu" is not handed to user "alice"',
    ]);
    expect(said({ ...NOTHING, controllers: { memory: "none" } }, "", "resources: {limits: {memory: 64Mi}}")).toEqual(["web.yaml:5:32: spec.resources.limits.memory: not as asked for on this host: none"]);
    expect(said({ ...NOTHING, controllers: { hugetlb: "none" } }, "resources: {limits: {hugepages-2Mi: 4Mi, memory: 64Mi}, requests: {memory: 1Mi}}")).toHaveLength(1);
  });

  test("notes SELinux options where the kernel enforces none", () => {
    expect(said({ ...NOTHING, seLinux: true }, "", "securityContext: {seLinuxOptions: {level: s0}}")).toEqual(["web.yaml:5:37: spec.securityContext.seLinuxOptions: not as asked for on this host: the kernel enforces no SELinux"]);
  });

  /** Fields of the container, of the spec → what is said to alice; root is told nothing. */
  const rows: readonly (readonly [string, string, string])[] = [
    ["volumeDevices: [{name: data, devicePath: /dev/x}]", "volumes: [{name: data, hostPath: {path: /dev/sda, type: BlockDevice}}]", '[host] web.yaml:9:20: spec.containers[0].volumeDevices: asks for block devices, which user "alice" may not hand to containers, should be played by root'],
    ["", "securityContext: {sysctls: [{name: kernel.shm_rmid_forced, value: '1'}]}", '[host] web.yaml:5:38: spec.securityContext.sysctls[0].name: is "kernel.shm_rmid_forced", which this kernel lets only root set and not user "alice", should be played by root'],
    ["", "volumes: [{name: pages, emptyDir: {medium: HugePages}}]", '[host] web.yaml:5:46: spec.volumes[0].emptyDir.medium: is "HugePages", which user "alice" may not mount, should be played by root'],
    ["", "securityContext: {fsGroup: 70000}", '[host] web.yaml:5:30: spec.securityContext.fsGroup: is 70000, should be below 65537: user "alice" has no more subordinate ids ("wherry doctor" has the command that gives more)'],
    ["securityContext: {runAsUser: 65537}", "", '[host] web.yaml:9:34: spec.containers[0].securityContext.runAsUser: is 65537, should be below 65537: user "alice" has no more subordinate ids ("wherry doctor" has the command that gives more)'],
    ["ports: [{containerPort: 80, hostPort: 80}]", "", '[host] web.yaml:9:43: spec.containers[0].ports[0].hostPort: is 80, should be 1024 or more for user "alice" (or as root: sysctl -w net.ipv4.ip_unprivileged_port_start=80)'],
    ["ports: [{containerPort: 80}]", "hostNetwork: true", 'web.yaml:9:29: spec.containers[0].ports[0].containerPort: not as asked for on this host: user "alice" may listen from port 1024 on only'],
    ["securityContext: {privileged: true}", "", 'web.yaml:9:35: spec.containers[0].securityContext.privileged: not as asked for on this host: it has all rights of user "alice", none over the host and its devices'],
    ["securityContext: {capabilities: {add: [SYS_TIME]}}", "", 'web.yaml:9:44: spec.containers[0].securityContext.capabilities.add[0]: not as asked for on this host: SYS_TIME is a right over the host, which user "alice" does not have'],
    ["securityContext: {capabilities: {add: [NET_ADMIN]}}", "hostNetwork: true", 'web.yaml:9:44: spec.containers[0].securityContext.capabilities.add[0]: not as asked for on this host: NET_ADMIN is a right over the host, which user "alice" does not have'],
    ["", "volumes: [{name: tty, hostPath: {path: /dev/tty, type: CharDevice}}]", 'web.yaml:5:58: spec.volumes[0].hostPath.type: not as asked for on this host: only a device that user "alice" may open can be used'],
    ["", "terminationGracePeriodSeconds: 111", 'web.yaml:5:34: spec.terminationGracePeriodSeconds: not as asked for on this host: at a shutdown or the last logout systemd kills what services of user "alice" have not ended after 120 s, so that at most 110 s are sure ("wherry doctor" has the command)'],
  ];

  for (const [container, spec, words] of rows) {
    test(`says of ${container || spec} what a user cannot have`, () => {
      expect(said(ALICE, container, spec)).toContain(words);
      expect(said(NOTHING, container, spec).filter((line) => line.includes("[host]") || line.includes("on this host"))).toEqual([]);
    });
  }

  test("notes a grace period that nobody wrote, too", () => {
    expect(said({ ...NOTHING, user: { ...ALICE.user, name: "alice", firstPort: 1024, ids: 65537, sysctls: [], grace: { stopTimeout: 20, longest: 10 } } }, "")).toEqual([expect.stringContaining("web.yaml:6:3: spec: not as asked for on this host: at a shutdown")]);
  });

  test("lets a user have what needs no root", () => {
    expect(said(ALICE, "", "terminationGracePeriodSeconds: 110")).toEqual([]);
    expect(said(ALICE, "securityContext: {runAsUser: 1000, capabilities: {add: [NET_ADMIN, CHOWN]}}\n    ports: [{containerPort: 80, hostPort: 8080}]")).toEqual([]);
  });
});
