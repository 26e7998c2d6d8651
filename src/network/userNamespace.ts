/**
 * A user namespace of a pod's own, and the namespaces that it owns (user_namespaces(7)). A process with several threads,
 * as this one, can make and enter none: a child does it, is mapped and pinned from here, and ends.
 */
import { writeFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { CLEAN_ENV, pasteable } from "../base/exec.ts";
import { sethostname } from "../base/libc.ts";
import { inNamespace, inNetwork, pin, pinsOf, removeNamespaces } from "./namespaces.ts";
import type { NamespaceFiles } from "./network.ts";
import { raiseLink } from "./rtnetlink.ts";

export interface UserNamespaceRequest {
  readonly files: NamespaceFiles & { readonly user: string };
  readonly hostname: string;
  /** The ids from 0 on mean those of the host from `first` on. */
  readonly ids: { readonly first: number; readonly count: number };
}

/** Milliseconds that a child has to enter its namespaces. */
const PATIENCE = 10_000;

const FLAGS = { user: "--user", net: "--net", ipc: "--ipc", uts: "--uts" } as const;

/**
 * As `makeNamespaces`, with a user namespace that owns the others: its root may do in them what root may. The ids are
 * mapped before the others are made, whose files get their owner then. Kind `failed` when the kernel gives none.
 */
export async function makeUserNamespaces({ files, hostname, ids }: UserNamespaceRequest): Promise<void> {
  removeNamespaces(files);
  const owned = pinsOf(files).filter(({ kind }) => kind !== "user");
  try {
    await whileHeld(["unshare", FLAGS.user, "--"], (pid) => {
      for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${pid}/${map}`, `0 ${ids.first} ${ids.count}`);
      pin(`/proc/${pid}/ns/user`, files.user);
    });
    if (owned.length === 0) return;
    await whileHeld(["nsenter", `--user=${files.user}`, "--", "unshare", ...owned.map(({ kind }) => FLAGS[kind]), "--"], (pid) => {
      for (const { kind, path } of owned) pin(`/proc/${pid}/ns/${kind}`, path);
    });
    if (files.uts !== undefined) inNamespace("uts", files.uts, () => sethostname(hostname));
    if (files.network !== undefined) inNetwork(files.network, () => raiseLink("lo"));
  } catch (thrown) {
    removeNamespaces(files);
    throw thrown;
  }
}

/** Runs `act` while a child is where `enter` has brought it: it says so by giving back what it reads, and ends when we do. */
async function whileHeld(enter: readonly string[], act: (pid: number) => void): Promise<void> {
  const argv = [...enter, "cat"];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "pipe", env: CLEAN_ENV, timeout: PATIENCE, killSignal: "SIGKILL" });
  try {
    child.stdin.write("\n");
    await child.stdin.flush();
    const { done } = await child.stdout.getReader().read();
    if (done) fail("failed", `Cannot make a user namespace: ${(await new Response(child.stderr).text()).trim() || `no answer from "${pasteable(argv)}"`}`);
    act(child.pid);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
