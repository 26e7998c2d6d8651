/**
 * A pod's namespaces without a process in them: each is held by a bind mount of its nsfs file (namespaces(7)).
 *
 * They are made by the calling thread itself, which leaves its own namespaces for less than a millisecond and comes
 * back. Everything in between is synchronous, so no other code of this thread can run there. The pins are mounted
 * where the mount propagation of their directory wants them; nothing here depends on it.
 */
import { closeSync, openSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWUTS, mount, MS_BIND, sethostname, setns, unmount, unshare } from "../base/libc.ts";
import { messageOf, unless, WherryError } from "../base/errors.ts";
import { LOST_NAMESPACE, type NamespaceFiles } from "./network.ts";
import { raiseLink } from "./rtnetlink.ts";

/** `statfs(2)` type of nsfs. */
const NSFS_MAGIC = 0x6e736673;

/** The kinds of namespaces that can be pinned, by the name in /proc/PID/ns. */
const KINDS = {
  user: { flag: CLONE_NEWUSER, file: (files: Partial<NamespaceFiles>) => files.user },
  net: { flag: CLONE_NEWNET, file: (files: Partial<NamespaceFiles>) => files.network },
  ipc: { flag: CLONE_NEWIPC, file: (files: Partial<NamespaceFiles>) => files.ipc },
  uts: { flag: CLONE_NEWUTS, file: (files: Partial<NamespaceFiles>) => files.uts },
} as const;
export type Kind = keyof typeof KINDS;
const ALL: readonly Kind[] = ["user", "net", "ipc", "uts"];

export interface Pin {
  readonly kind: Kind;
  readonly path: string;
}

/** An open namespace of one kind. */
interface Handle {
  readonly kind: Kind;
  readonly fd: number;
}

/**
 * Makes new namespaces of the kinds that have a file (but `user`: `makeUserNamespaces`), and pins them there; `lo` is up in the network namespace, the
 * host name set in the UTS namespace. Whatever the files held before is let go. Nothing is left behind on failure.
 * Fails with code `ELOSTNAMESPACE` when the thread could not come back: the process must end at once then.
 */
export function makeNamespaces(request: { readonly files: Partial<NamespaceFiles>; readonly hostname: string }): void {
  const pins = pinsOf(request.files);
  removeNamespaces(request.files);
  const made = newNamespaces(pins.map((pin) => pin.kind), request.hostname);
  try {
    for (const { kind, path } of pins) pin(`/proc/self/fd/${handleOf(made, kind)}`, path);
  } catch (thrown) {
    removeNamespaces(request.files);
    throw thrown;
  } finally {
    closeAll(made);
  }
}

/** Holds the namespace of a file by a bind mount of it at `path`. */
export function pin(namespace: string, path: string): void {
  writeFileSync(path, "", { mode: 0o600 });
  mount(namespace, path, "", MS_BIND);
}

/**
 * Lets a pod's namespaces go: they end with their last process. Pins that are gone already, or were never made, are
 * success. A file stays, empty, while it is also a mount point in a copy of the mount tree that no path reaches.
 */
export function removeNamespaces(files: Partial<NamespaceFiles>): void {
  for (const { path } of pinsOf(files)) {
    while (unmount(path)); // a crash may have left one mounted over another
    unless("EBUSY", () => rmSync(path, { force: true }), undefined);
  }
}

/** True when every file given pins a namespace. */
export function namespacesStand(files: Partial<NamespaceFiles>): boolean {
  return pinsOf(files).every(({ path }) => unless("ENOENT", () => statfsSync(path).type, 0) === NSFS_MAGIC);
}

/** Brings the calling thread into the network namespace that is pinned at `path`, for good. */
export function enterNetwork(path: string): void {
  const fd = openSync(path, "r");
  try {
    setns(fd, CLONE_NEWNET);
  } finally {
    closeSync(fd);
  }
}

/** Runs `action`, which must be synchronous and short, in the network namespace that is pinned at `path`. */
export const inNetwork = <T>(path: string, action: () => T): T => inNamespace("net", path, action);

/** Runs `action`, which must be synchronous and short, in the namespace that is pinned at `path`. */
export function inNamespace<T>(kind: Exclude<Kind, "user">, path: string, action: () => T): T {
  const target = openSync(path, "r");
  const home = openHandles([kind]);
  try {
    try {
      setns(target, KINDS[kind].flag);
      return action();
    } finally {
      comeBack(home);
    }
  } finally {
    closeSync(target);
    closeAll(home);
  }
}

/** True for the error after which the process must end at once; whoever handles errors of this folder passes it on. */
export const isLostNamespace = (thrown: unknown): boolean => thrown instanceof WherryError && thrown.code === LOST_NAMESPACE;

/** The kinds that have a file, in the order in which they are made. */
export function pinsOf(files: Partial<NamespaceFiles>): readonly Pin[] {
  return ALL.flatMap((kind) => {
    const path = KINDS[kind].file(files);
    return path === undefined ? [] : [{ kind, path }];
  });
}

function newNamespaces(kinds: readonly Kind[], hostname: string): readonly Handle[] {
  const home = openHandles(kinds);
  try {
    try {
      unshare(kinds.reduce((flags, kind) => flags | KINDS[kind].flag, 0));
      if (kinds.includes("uts")) sethostname(hostname);
      if (kinds.includes("net")) raiseLink("lo");
      return openHandles(kinds);
    } finally {
      comeBack(home);
    }
  } finally {
    closeAll(home);
  }
}

/** The calling thread's present namespaces. */
function openHandles(kinds: readonly Kind[]): readonly Handle[] {
  const handles: Handle[] = [];
  try {
    for (const kind of kinds) handles.push({ kind, fd: openSync(`/proc/thread-self/ns/${kind}`, "r") });
  } catch (thrown) {
    closeAll(handles);
    throw thrown;
  }
  return handles;
}

function comeBack(home: readonly Handle[]): void {
  try {
    for (const { kind, fd } of home) setns(fd, KINDS[kind].flag);
  } catch (cause) {
    const message = `Cannot go on in this process: its thread is stuck in a pod's namespace: ${messageOf(cause)}`;
    throw new WherryError("failed", message, { code: LOST_NAMESPACE, cause });
  }
}

const handleOf = (handles: readonly Handle[], kind: Kind): number => handles.find((handle) => handle.kind === kind)?.fd ?? -1;

function closeAll(handles: readonly Handle[]): void {
  for (const { fd } of handles) closeSync(fd);
}
