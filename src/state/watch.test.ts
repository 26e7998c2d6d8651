import { expect, test } from "bun:test";
import { join } from "node:path";
import { serviceRun, temporaryDirectory } from "./fixtures.ts";
import { openRuntime, watch } from "./mod.ts";

const PATIENCE = AbortSignal.timeout(20_000);

/** A process that puts a run for every line it reads, and holds the database open until its input ends. */
function writer(path: string) {
  const script = `
    import { openRuntime } from "./mod.ts";
    import { serviceRun } from "./fixtures.ts";
    using state = openRuntime(process.argv.at(-1));
    for await (const line of console) if (line !== "") state.putRun(serviceRun(line));
  `;
  const child = Bun.spawn([process.execPath, "-e", script, path], { cwd: import.meta.dir, stdin: "pipe", stdout: "ignore", stderr: "inherit" });
  return {
    put: (service: string) => (child.stdin.write(`${service}\n`), child.stdin.flush()),
    end: () => (child.stdin.end(), child.exited),
    [Symbol.dispose]: () => child.kill(),
  };
}

/** Watches `path`; `until` resolves when `condition` holds after a wake-up, and counts those. */
function watched(path: string, signal: AbortSignal) {
  let wakeUps = 0;
  let wake = (): void => {};
  watch(path, () => {
    wakeUps += 1;
    wake();
  }, { signal });
  return {
    wakeUps: () => wakeUps,
    until: (condition: () => boolean) => new Promise<void>((resolve, reject) => {
      PATIENCE.addEventListener("abort", () => reject(new Error("nobody woke the watcher")));
      wake = () => void (condition() && resolve());
    }),
  };
}

const names = (path: string): readonly string[] => {
  using state = openRuntime(path, { readonly: true });
  return state.runs().map(({ service }) => service);
};

test("watch() sees every commit of another process, from before the database exists", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run/run.db");
  const stop = new AbortController();
  const it = watched(path, stop.signal);
  using other = writer(path);
  for (let number = 0; number < 100; number += 1) {
    const seen = it.until(() => names(path).includes(`s${number}`));
    other.put(`s${number}`);
    await seen;
  }
  await other.end();
  using again = writer(path); // the WAL has been removed and is made anew
  const seen = it.until(() => names(path).includes("again"));
  again.put("again");
  await seen;
  await again.end();
  stop.abort();
}, 30_000);

test("watch() wakes after the commit is visible, for a reader who holds the database open", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run.db");
  using state = openRuntime(path);
  const stop = new AbortController();
  const it = watched(path, stop.signal);
  using other = writer(path);
  for (let number = 0; number < 200; number += 1) {
    const seen = it.until(() => state.run(`s${number}`) !== undefined);
    other.put(`s${number}`);
    await seen;
  }
  stop.abort();
  await other.end();
}, 30_000);

test("watch() calls once for all changes of one turn, and not at all after the abort", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run.db");
  using state = openRuntime(path);
  const stop = new AbortController();
  const it = watched(path, stop.signal);
  const seen = it.until(() => true);
  for (let number = 0; number < 500; number += 1) state.putRun(serviceRun(`s${number}`));
  await seen;
  expect(it.wakeUps()).toBeLessThan(5);
  stop.abort();
  const before = it.wakeUps();
  state.putRun(serviceRun("late"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(it.wakeUps()).toBe(before);
});

test("watch() says why when the kernel refuses", () => {
  expect(() => watch("/proc/nowhere/run.db", () => {}, { signal: new AbortController().signal })).toThrow('Cannot use database "/proc/nowhere/run.db": it cannot be watched');
});
