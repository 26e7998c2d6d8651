/** The process that holds a user's namespaces: finding one, making one. Callers hold the lock of the directory. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { fail, messageOf, unless } from "../base/errors.ts";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { lineReader } from "../base/lines.ts";
import { livingProcess } from "../base/pidFile.ts";
import { mapWords, requireRanges, SUBORDINATE } from "./ids.ts";
import { type Entry, rootlessDirectory } from "./rootless.ts";
import { ownScope } from "./scope.ts";

/** A living process in the namespaces, undefined when there is none. */
export function livingHolder(runtime: string): number | undefined {
  const pid = livingProcess(`${rootlessDirectory(runtime)}/holder`);
  return pid !== undefined && isElsewhere(pid) ? pid : undefined;
}

/** A monitor of something that runs there, by the pid files in its bundles, for when the holder has been killed. */
export function livingMonitor(runtime: string): number | undefined {
  const bundles = [
    ...children(`${runtime}/services`).map((service) => `${service}/container`),
    ...children(`${runtime}/pods`).flatMap((pod) => children(`${pod}/containers`)),
  ];
  return bundles.map((bundle) => Number(readIfExists(`${bundle}/conmon.pid`) ?? 0)).find((pid) => pid > 0 && isConmon(pid) && isElsewhere(pid));
}

const children = (directory: string): readonly string[] => unless("ENOENT", () => readdirSync(directory), []).map((name) => `${directory}/${name}`);
const isConmon = (pid: number): boolean => (readIfExists(`/proc/${pid}/cmdline`) ?? "").includes("--conmon-pidfile");

/** True for a process of this user in another user namespace than ours. Of others' processes the link cannot be read. */
function isElsewhere(pid: number): boolean {
  const of = (who: number | "self"): string | undefined => {
    try {
      return readlinkSync(`/proc/${who}/ns/user`);
    } catch {
      return undefined;
    }
  };
  const theirs = of(pid);
  return theirs !== undefined && theirs !== of("self");
}

/** Milliseconds until the namespaces must stand. */
const TIMEOUT = 60_000;

/** Waits for its ids to be mapped, and becomes root inside by the next exec. */
const WAIT = 'echo "$$"; read -r mapped && exec /bin/sh -euc "$1" holder "$2"';
/** Is the holder once everything is set up. */
const HOLD = `echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" >"$1/holder.new"
mv "$1/holder.new" "$1/holder"
echo up
exec sleep infinity </dev/null >/dev/null 2>&1`;

/** Makes the namespaces and their holder. Kind `unavailable` when the host does not let the user. Returns the holder's pid. */
export async function startHolder({ owner, runtime, setUp }: Entry): Promise<number> {
  const files = { uid: readFileSync(SUBORDINATE.uid, "utf8"), gid: readFileSync(SUBORDINATE.gid, "utf8") };
  const ranges = requireRanges(files, owner);
  const directory = rootlessDirectory(runtime);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unshare = ["unshare", "--user", "--mount", "--propagation", "slave", "--", "/bin/sh", "-c", WAIT, "wait", `${setUp}\n${HOLD}`, directory];
  return await handshake([...ownScope(owner), "setsid", ...unshare], async (pid) => {
    await map("newuidmap", pid, mapWords(owner.uid, ranges.uid));
    await map("newgidmap", pid, mapWords(owner.gid, ranges.gid));
  });
}

/** Puts a new holder into namespaces that another process is in, and as the first one into a scope of its own. */
export async function replaceHolder({ owner, runtime }: Entry, pid: number): Promise<number> {
  const join = ["nsenter", "--target", String(pid), "--user", "--mount", "--preserve-credentials", "--", "/bin/sh", "-euc", `echo "$$"\n${HOLD}`, "holder", rootlessDirectory(runtime)];
  return await handshake([...ownScope(owner), "setsid", ...join], async () => {});
}

async function map(program: string, pid: number, words: readonly string[]): Promise<void> {
  try {
    await exec([program, String(pid), ...words], { timeout: TIMEOUT });
  } catch (thrown) {
    fail("unavailable", `Cannot map the user's ids: ${messageOf(thrown)}`, { cause: thrown, code: "EIDMAP", hint: 'install the package "uidmap" and see "wherry doctor"' });
  }
}

/** Starts `argv`, whose first line is its pid; calls `prepare`; tells it to go on; and waits until it says "up". */
async function handshake(argv: readonly string[], prepare: (pid: number) => Promise<void>): Promise<number> {
  const child = Bun.spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr: "pipe", env: { ...CLEAN_ENV } }); // it is no leader of a process group, so that setsid(1) need not fork
  const said: string[] = [];
  const read = lineReader("the holder of the namespaces", (line) => said.push(line));
  const stream = child.stdout.getReader();
  const line = async (): Promise<string> => {
    while (said.length === 0) {
      const { done, value } = await stream.read();
      if (done) return await refused(child.stderr);
      read(value);
    }
    return said.shift() ?? "";
  };
  const late = setTimeout(() => child.kill("SIGKILL"), TIMEOUT);
  try {
    const pid = Number(await line());
    await prepare(pid);
    await child.stdin.write("mapped\n");
    await child.stdin.end();
    await line();
    return pid;
  } finally {
    clearTimeout(late);
    child.unref();
    await stream.cancel();
    await child.stderr.cancel().catch(() => {}); // it is locked when it has been read
  }
}

async function refused(errors: ReadableStream<Uint8Array>): Promise<never> {
  const words = (await new Response(errors).text()).trim();
  fail("unavailable", `Cannot make the user's namespaces: ${words.split("\n").at(-1) ?? "it ended"}`, { code: "ENOUSERNS", hint: '"wherry doctor" says what this host lacks' });
}
