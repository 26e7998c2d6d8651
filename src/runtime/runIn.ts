/** A further process in a running container whose output is kept and whose time is limited: for probes and hooks. */
import { rmSync, writeFileSync } from "node:fs";
import { CLEAN_ENV } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { readConfig } from "./bundle.ts";
import { tied } from "./chooseRuntime.ts";
import { execProcess } from "./execIn.ts";
import { at } from "./json.ts";
import { sentenceOf } from "./messages.ts";
import type { Ran, RunRequest } from "./runtime.ts";
import { raisingLimits } from "./users.ts";

let count = 0;

/** How crun and runc end when they could not start the process; their log then says why. */
const REFUSED = 255;
/** Milliseconds that output may still take when the process has ended: one that it left behind may hold it open. */
const DRAIN = 100;

/** Runs `args` in the container. What it starts and leaves is killed with it when its time is over. */
export async function runIn(command: readonly string[], { id, bundle }: { readonly id: string; readonly bundle: string }, request: RunRequest): Promise<Ran> {
  count += 1;
  const base = `${bundle}/run-${process.pid}-${count}`;
  const [file, log, pidFile] = [`${base}.json`, `${base}-log.json`, `${base}.pid`];
  const words = { args: request.args, env: [], cwd: "", interactive: false };
  const config = readConfig(bundle);
  writeFileSync(file, JSON.stringify(execProcess(at(config, "process"), words)), { mode: 0o600 });
  try {
    const child = Bun.spawn([...tied(), ...raisingLimits(config), ...command, "--log", log, "exec", "--pid-file", pidFile, "--process", file, id], { stdio: ["ignore", "pipe", "pipe"], env: CLEAN_ENV });
    let over = false;
    const end = (): void => {
      over = true;
      killTree(Number(readIfExists(pidFile) ?? 0)); // while its client, which is its parent, has not ended, the pid is its own
      child.kill("SIGKILL");
    };
    using _ = limit(request, end);
    const output = [collect(child.stdout, request.outputMax), collect(child.stderr, request.outputMax)];
    const status = await child.exited;
    if (over) return { is: "killed" };
    const said = readIfExists(log) ?? "";
    if (status === REFUSED && said !== "") return { is: "refused", message: sentenceOf(said) };
    await Promise.race([Promise.all(output.map((each) => each.done)), Bun.sleep(DRAIN)]);
    return { is: "ended", status, output: Buffer.concat(output.flatMap((each) => each.parts)).subarray(0, request.outputMax).toString() };
  } finally {
    for (const each of [file, log, pidFile]) rmSync(each, { force: true });
  }
}

function limit({ timeout, signal }: RunRequest, end: () => void): Disposable {
  const timer = timeout === undefined ? undefined : setTimeout(end, timeout);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted === true) end();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    },
  };
}

/** Keeps the first bytes and reads on, so that who writes is not held up. */
function collect(stream: ReadableStream<Uint8Array>, max: number): { readonly parts: readonly Uint8Array[]; readonly done: Promise<void> } {
  const parts: Uint8Array[] = [];
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const part of stream) {
      if (size < max) parts.push(part.subarray(0, max - size));
      size += part.length;
    }
  };
  return { parts, done: read().catch(() => {}) }; // what was read by then is kept
}

/** SIGKILL for a process and all that descend from it. */
function killTree(pid: number): void {
  if (!(pid > 1)) return;
  const children = (readIfExists(`/proc/${pid}/task/${pid}/children`) ?? "").split(" ").map(Number);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // it has ended
  }
  for (const child of children) killTree(child);
}
