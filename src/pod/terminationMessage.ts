/** What a container leaves to be said of its end (kubelet `getTerminationMessage`): its own file, or the end of its log. */
import { chmodSync, closeSync, existsSync, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { ensureDirectory } from "../base/files.ts";
import { dirname } from "node:path";
import { podDiskDirectory } from "../base/paths.ts";
import type { Bind } from "../container/container.ts";
import type { Container, ContainerId, Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";

/** Bytes of all messages of a pod together (kubelet `MaxPodTerminationMessageLogLength`). */
const POD_MAX = 12 * 1024;
/** Bytes of the file, of which the end counts. */
const FILE_MAX = 4096;
/** Bytes and lines of the log. */
const LOG_MAX = 2048;
const LOG_LINES = 80;
const DEFAULT_PATH = "/dev/termination-log";

/** On disk: a container may write as much into it as into its root filesystem. It goes with the start's writable layer. */
const fileOf = (host: Pick<PodHost, "paths">, record: PodRecord, id: ContainerId): string =>
  `${podDiskDirectory(host.paths, record.uid)}/containers/${id}/termination-log`;

/** Makes the file of one start, which any user may write, and says where the container sees it. */
export function terminationBind(host: Pick<PodHost, "paths">, record: PodRecord, { container, id }: { readonly container: Container; readonly id: ContainerId }): readonly Bind[] {
  const destination = container.terminationMessagePath ?? DEFAULT_PATH;
  if (container.volumeMounts.some(({ mountPath }) => mountPath.replace(/\/+$/, "") === destination)) return [];
  const source = fileOf(host, record, id);
  ensureDirectory(dirname(source));
  writeFileSync(source, "");
  chmodSync(source, 0o666); // whatever the umask is
  return [{ source, destination, readOnly: false, recursive: false }];
}

export interface Ending {
  readonly spec: Pick<Container, "terminationMessagePolicy">;
  readonly container: Pick<ContainerRecord, "logPath">;
  readonly end: Terminated;
}

/** The message of an end; nothing when there is none. */
export async function terminationMessage(host: Pick<PodHost, "paths">, record: PodRecord, { spec, container, end }: Ending): Promise<{ readonly message?: string }> {
  const own = tail(fileOf(host, record, end.id), FILE_MAX);
  if (own !== "") return { message: ofShare(record, own) };
  if (spec.terminationMessagePolicy !== "FallbackToLogsOnError" || end.exitCode === 0 || container.logPath === "") return {};
  const said = logTail(container.logPath);
  return said === "" ? {} : { message: ofShare(record, said) };
}

/** The beginning of a message, as long as each container's even share of what the pod may say (kubelet `normalizeStatus`). */
export function ofShare({ pod: { spec } }: Pick<PodRecord, "pod">, message: string): string {
  const share = Math.floor(POD_MAX / (spec.containers.length + spec.initContainers.length));
  const bytes = Buffer.from(message);
  return bytes.length <= share ? message : bytes.subarray(0, share).toString();
}

/** The last bytes of a file as text; empty when it is not there. */
function tail(path: string, bytes: number): string {
  if (!existsSync(path)) return "";
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, Math.max(0, size - bytes))).toString();
  } finally {
    closeSync(fd);
  }
}

/** Longest head of a line of the log: time, stream, tag. */
const HEAD_MAX = 64;

/** The last lines of a CRI log without their heads, and of them the last bytes. */
function logTail(path: string): string {
  const lines = tail(path, LOG_MAX + (LOG_LINES + 1) * HEAD_MAX).split("\n");
  const said = lines.slice(-LOG_LINES - 1).flatMap((line) => {
    const found = /^\S+ (?:stdout|stderr) ([FP]) (.*)$/s.exec(line);
    return found === null ? [] : [`${found[2]}${found[1] === "F" ? "\n" : ""}`];
  });
  return Buffer.from(said.join("")).subarray(-LOG_MAX).toString();
}
