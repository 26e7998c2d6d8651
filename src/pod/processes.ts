/**
 * `shareProcessNamespace`: the PID namespace of a pod. It lives as long as its first process, so a container that only
 * waits holds it. Its id follows from the pod's uid: like the rest of the sandbox it can be unmade from the row alone.
 */
import { chownSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { bundleDirectory, podDirectory } from "../base/paths.ts";
import { pauseConfig } from "../container/pause.ts";
import { pathOf } from "../runtime/chooseRuntime.ts";
import { dirname } from "node:path";
import { containerId, type ContainerId, type PodUid } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";
import { usersOf } from "./users.ts";

/** The container that holds a pod's PID namespace, if it has one. */
export const pauseId = (uid: PodUid): ContainerId => containerId(new Bun.CryptoHasher("sha256").update(`pause ${uid}`).digest("hex"));

const shares = ({ pod: { spec } }: PodRecord): boolean => spec.shareProcessNamespace === true && spec.hostPID !== true;
const bundleOf = (host: PodHost, uid: PodUid): string => bundleDirectory(host.paths, uid, pauseId(uid));

/** Namespaces that are being made: containers that start together must come into the same one. */
const making = new Map<PodUid, Promise<number>>();

/**
 * The file of the pod's PID namespace; undefined when its containers share none. Made when it is not there, or when its
 * first process was killed, with which the kernel ends all others.
 */
export async function processNamespace(host: PodHost, record: PodRecord): Promise<string | undefined> {
  if (!shares(record)) return undefined;
  const { uid } = record;
  const found = making.get(uid) ?? livingPid(host, record).then((pid) => pid ?? make(host, record)).finally(() => making.delete(uid));
  making.set(uid, found);
  return `/proc/${await found}/ns/pid`;
}

/** The pod's PID namespace is there, or it needs none. */
export const processesStand = async (host: PodHost, record: PodRecord): Promise<boolean> => !shares(record) || (await livingPid(host, record)) !== undefined;

/** Ends what is left in the PID namespace of a pod. */
export async function removeProcesses(host: PodHost, record: PodRecord): Promise<void> {
  if (shares(record)) await host.runtime.remove(pauseId(record.uid), bundleOf(host, record.uid));
}

async function livingPid(host: PodHost, { uid }: PodRecord): Promise<number | undefined> {
  const { status, pid } = await host.runtime.observe(pauseId(uid), bundleOf(host, uid));
  return status === "running" && !host.kernel.isExiting(pid) ? pid : undefined; // into a namespace that is ending nothing can be forked (ENOMEM)
}

async function make(host: PodHost, record: PodRecord): Promise<number> {
  await removeProcesses(host, record);
  const program = pathOf("catatonit") ?? fail("unavailable", 'Cannot make a PID namespace for the pod: "catatonit" is not installed, it must be for shareProcessNamespace', { hint: 'install the package "catatonit"' });
  const { uid, cgroup, service } = record;
  const id = pauseId(uid);
  const directory = podDirectory(host.paths, uid);
  const { lowestOomScoreAdj } = host.limits(dirname(cgroup));
  ensureDirectory(`${directory}/pause`, 0o755); // it runs as another user
  const users = usersOf(host, record);
  if (users !== undefined) chownSync(`${directory}/pause`, users.first, users.first);
  const config = pauseConfig({ rootfs: `${directory}/pause`, program, users, cgroupsPath: `${cgroup}/${id}`, ...(lowestOomScoreAdj === undefined ? {} : { lowestOomScoreAdj }) });
  const { pid } = await host.runtime.create({ id, bundle: bundleOf(host, uid), config, logPath: `${directory}/pause.log`, logSizeMax: 4096, journal: false, name: "pause", tag: record.pod.metadata.name, labels: { WHERRY_SERVICE: service } });
  await host.runtime.start(id);
  return pid;
}
