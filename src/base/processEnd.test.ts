import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { unless } from "./errors.ts";
import { startTimeOf } from "./pidFile.ts";
import { processEnd } from "./processEnd.ts";

/** Other tests of this process open and close descriptors, too. */
const descriptors = (): number => readdirSync("/proc/self/fd").filter((fd) => unless("ENOENT", () => readlinkSync(`/proc/self/fd/${fd}`), "").includes("[pidfd]")).length;

/** A file that names a process, until disposed of. */
function named(pid: number): { readonly path: string } & Disposable {
  const directory = mkdtempSync(`${tmpdir()}/wherry-end-`);
  writeFileSync(`${directory}/pid`, `${pid} ${startTimeOf(pid)}\n`);
  return { path: `${directory}/pid`, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

/** A process that somebody else has started. */
const stranger = (): number => Number(Bun.spawnSync(["setsid", "--fork", "sh", "-c", "echo $$; exec sleep 1000 >/dev/null 2>&1"]).stdout.toString());

test("processEnd() resolves when a stranger's process ends, not before, and keeps no descriptor", async () => {
  const pid = stranger();
  using file = named(pid);
  const before = descriptors();
  let over = 0;
  const ends = [1, 2].map(() => processEnd(file.path).then(() => (over += 1)));
  await Bun.sleep(100);
  Bun.gc(true);
  await Bun.sleep(100);
  expect(over).toBe(0);
  process.kill(pid, "SIGKILL");
  await Promise.all(ends);
  expect(startTimeOf(pid)).toBeUndefined();
  expect(descriptors()).toBe(before);
});

test("processEnd() resolves at once when nobody is named, or who has ended, or another has the number", async () => {
  await processEnd("/nowhere/pid");
  using file = named(process.pid);
  writeFileSync(file.path, `${process.pid} 1\n`);
  await processEnd(file.path);
});

test("processEnd() keeps no process from its end", () => {
  using file = named(process.pid);
  const script = `const { processEnd } = await import(${JSON.stringify(`${import.meta.dir}/processEnd.ts`)}); void processEnd(${JSON.stringify(file.path)}); await Bun.sleep(50);`;
  expect(Bun.spawnSync([process.execPath, "-e", script], { timeout: 10_000 }).exitCode).toBe(0);
});
