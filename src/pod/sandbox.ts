/**
 * The sandbox: what the containers of a pod share. Everything of it follows from the pod's row, so it can be unmade
 * from the row alone, whatever part of it was made; every step may be repeated.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ensureDirectory, removeTree, writeAtomically } from "../base/files.ts";
import { allDone } from "../base/promises.ts";
import { podDirectory, podDiskDirectory, podLogDirectory } from "../base/paths.ts";
import { podResources } from "../container/resources.ts";
import { hostnameFile, hostNetworkHostsFile, hostsFile } from "../network/files.ts";
import type { Attachment, NamespaceFiles, PortMapping } from "../network/network.ts";
import { podResolvConf } from "../network/resolv.ts";
import type { ContainerPort, Pod } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { removePodVolumes } from "../storage/volumes.ts";
import { releaseClaims } from "./claims.ts";
import { namesOf, nodenameOf } from "./names.ts";
import type { ConfigSource, PodHost, PodReporter } from "./pod.ts";
import { processesStand, processNamespace, removeProcesses } from "./processes.ts";
import { ownIps } from "./status.ts";
import { claimUsers, openWay, ownsUsers, releaseUsers, usersFile, usersOf } from "./users.ts";
import { makeVolumes } from "./volumes.ts";

/** Where a pod's own namespaces are pinned; on the host's network it has fewer. */
export function namespaceFiles(host: Pick<PodHost, "paths">, record: PodRecord): NamespaceFiles {
  const directory = podDirectory(host.paths, record.uid);
  const { hostIPC = false } = record.pod.spec;
  const own = record.network === "host" ? {} : { network: `${directory}/netns`, uts: `${directory}/utsns` };
  return { ...(ownsUsers(record) ? { user: usersFile(host, record) } : {}), ...own, ...(hostIPC ? {} : { ipc: `${directory}/ipcns` }) };
}

export const sandboxStands = async (host: PodHost, record: PodRecord): Promise<boolean> => host.kernel.namespacesStand(namespaceFiles(host, record)) && (await processesStand(host, record));

/** Makes namespaces, files, volumes and network of a pod; `signal` ends pulls of image volumes. What fails leaves a part that `unmakeSandbox` takes back. */
export async function makeSandbox(host: PodHost, given: PodRecord, from: { readonly config: ConfigSource; readonly reporter: PodReporter; readonly signal: AbortSignal }): Promise<void> {
  const directory = podDirectory(host.paths, given.uid);
  ensureDirectory(`${directory}/containers`);
  ensureDirectory(podDiskDirectory(host.paths, given.uid));
  const record = claimUsers(host, given);
  openWay(host, record);
  limitPod(host, record, from.reporter);
  await makeNamespaces(host, record);
  if (record.pod.spec.hostIPC !== true) host.kernel.mountShm(`${directory}/shm`, record.ids ?? 0);
  for (const message of writeFiles(host, record, directory)) from.reporter.event({ type: "Warning", reason: "DNSConfigForming", message, fieldPath: "" });
  await allDone([
    ...(record.network === "bridge" ? [host.network.attach(attachmentOf(host, record), tellUnreachable(from.reporter))] : []),
    makeVolumes(host, record, from),
    processNamespace(host, record),
  ]);
}

/** For what the network says while a pod is attached to it; the kubelet's reason, for a pod that runs all the same. */
export function tellUnreachable(reporter: PodReporter): (why: string) => void {
  return (why) => {
    reporter.event({ type: "Warning", reason: "NetworkNotReady", message: `network is not ready: the pod does not reach the outside: ${why}`, fieldPath: "" });
    reporter.progress(`does not reach the outside: ${why}`);
  };
}

async function makeNamespaces(host: PodHost, record: PodRecord): Promise<void> {
  const { user, ...files } = namespaceFiles(host, record);
  const [users, hostname] = [usersOf(host, record), nodenameOf(record)];
  if (user === undefined || users === undefined) await host.kernel.makeNamespaces({ files, hostname });
  else await host.kernel.makeUserNamespaces({ files: { ...files, user }, hostname, ids: users });
}

/** The cgroup of the pod, with what its containers ask for together. */
function limitPod(host: PodHost, record: PodRecord, reporter: PodReporter): void {
  const { resources, warnings } = podResources(record.pod, host.limits(dirname(record.cgroup)));
  host.kernel.limitCgroup(record.cgroup, resources);
  for (const message of warnings) reporter.event({ type: "Warning", reason: "NotApplied", message, fieldPath: "" });
}

/** /etc/hosts, /etc/resolv.conf and /etc/hostname, which every container gets; readable by all users of the pod. Returns warnings. */
function writeFiles(host: PodHost, record: PodRecord, directory: string): readonly string[] {
  const write = (name: string, text: string): void => writeAtomically(`${directory}/${name}`, text, { mode: 0o644, durable: false });
  const { hostAliases: aliases = [], dnsPolicy: policy, dnsConfig: config } = record.pod.spec;
  const onHost = record.network === "host";
  const ips = ownIps(record);
  write("hosts", onHost ? hostNetworkHostsFile(hostText("/etc/hosts"), aliases) : hostsFile({ ips, ...namesOf(record.pod), aliases }));
  write("hostname", onHost ? hostText("/etc/hostname") : hostnameFile(nodenameOf(record)));
  const { text, warnings } = podResolvConf({ network: record.network, ipv6: record.ip6 !== undefined && host.forwarder === undefined, forwarder: host.forwarder, etc: hostText("/etc/resolv.conf"), resolved: hostText("/run/systemd/resolve/resolv.conf"), policy, config });
  write("resolv.conf", text);
  return warnings;
}

const hostText = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

export function attachmentOf(host: PodHost, record: PodRecord): Attachment {
  const { bridge } = host;
  return { uid: record.uid, podName: record.pod.metadata.name, netns: `${podDirectory(host.paths, record.uid)}/netns`, bridge, ip: record.ip, ...(record.ip6 === undefined ? {} : { ip6: record.ip6 }), ports: portMappings(record.pod) };
}

const PROTOCOLS = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

function portMappings(pod: Pod): readonly PortMapping[] {
  const mapping = ({ hostPort, hostIP, containerPort, protocol }: ContainerPort): readonly PortMapping[] =>
    hostPort === undefined ? [] : [{ containerPort, hostPort, hostIP: hostIP ?? "", protocol: PROTOCOLS[protocol] }];
  return [...pod.spec.initContainers, ...pod.spec.containers].flatMap(({ ports }) => ports.flatMap(mapping));
}

/** Takes the sandbox back; containers must have ended. Goes on after what cannot be undone, and fails with it. Volumes on disk and the logs stay. */
export async function unmakeSandbox(host: PodHost, record: PodRecord): Promise<void> {
  const detached = (async () => {
    if (record.network === "bridge") await host.network.detach(attachmentOf(host, record));
  })();
  const processes = removeProcesses(host, record);
  await Promise.allSettled([detached, processes]); // netavark wants the namespace that it takes the interface from
  const unpinned = (async () => {
    host.kernel.removeNamespaces(namespaceFiles(host, record));
    host.kernel.unmountShm(`${podDirectory(host.paths, record.uid)}/shm`);
  })();
  await allDone([detached, processes, unpinned, host.kernel.removeCgroup(record.cgroup)]);
}

/** Takes back everything of a pod but its row. */
export async function removeSandbox(host: PodHost, record: PodRecord): Promise<void> {
  await unmakeSandbox(host, record);
  const { namespace, name } = record.pod.metadata;
  await removePodDirectories(host, record.uid);
  releaseUsers(host, record);
  await releaseClaims(host, record.uid);
  await removeTree(podLogDirectory(host.paths, namespace, name, record.uid));
}

/** Unmounts and removes the directories of a pod, on tmpfs and on disk. Host data is never mounted below them. */
export async function removePodDirectories(host: PodHost, uid: string): Promise<void> {
  await removePodVolumes(podDirectory(host.paths, uid));
  await removePodVolumes(podDiskDirectory(host.paths, uid));
}
