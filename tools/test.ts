/**
 * Runs the suites named on the command line, those joined by "+" side by side, prints what failed, and sums everything
 * up: the last line of the summary, "N passed, N failed[, N skipped]", is also kept in .cache/summary. Exits with 1 when
 * anything failed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { chosen, PACE, type Vm, withVm } from "./testVm.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
/** Milliseconds for a test that names none: on a busy machine Bun's five seconds are not enough for some that start processes. */
const TIMEOUT = "30000";
const CACHE = `${CHECKOUT}/.cache`;
const BUN = `${CHECKOUT}/node_modules/.bin/bun`;

interface Result {
  readonly passed: number;
  readonly skipped: number;
  /** One line for each. */
  readonly failed: readonly string[];
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Result>;
}

/** A command that is one test: it passes when it ends with 0. */
const check = (name: string, argv: readonly string[]): Step => ({
  name,
  run: async () => {
    const status = await follow(argv);
    return status === 0 ? { passed: 1, skipped: 0, failed: [] } : { passed: 0, skipped: 0, failed: [`${name} (exit status ${status})`] };
  },
});

/** `bun test` over some folders. */
const suite = (name: string, folders: readonly string[], env: Environment = {}): Step => ({
  name,
  run: () => reported(name, { env, argv: (report) => [BUN, "test", "--timeout", TIMEOUT, "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`, ...folders.map((folder) => `./${folder}/`)] }),
});

type Environment = Readonly<Record<string, string>>;

interface Reporting {
  readonly env: Environment;
  /** Runs tests that write a JUnit report. */
  readonly argv: (report: string) => readonly string[];
  /** Brings the report here when they have ended. */
  readonly fetch?: (report: string) => Promise<void>;
}

/** Tests, counted by their report. */
async function reported(name: string, { env, argv, fetch }: Reporting): Promise<Result> {
  const report = `${CACHE}/${name}.xml`;
  rmSync(report, { force: true });
  const child = spawn(argv(report), env);
  const said = await forward(child.stderr);
  const status = await child.exited;
  await fetch?.(report);
  const result = existsSync(report) ? counted(readFileSync(report, "utf8")) : { passed: 0, skipped: 0, failed: [] };
  return { ...result, failed: [...result.failed, ...unreported(name, { status, said, reported: result.failed.length })] };
}

/** Suites in one VM, one after the other; one skipped test where there can be none. */
const inVm = (name: string, suites: (vm: Vm) => readonly (() => Promise<Result>)[]): Step => ({
  name,
  run: async () => {
    const results = await withVm(async (vm) => {
      const done: Result[] = [];
      for (const each of suites(vm)) done.push(await each());
      return done;
    });
    if ("missing" in results) {
      console.log(`${name}: skipped: ${results.missing}`);
      return { passed: 0, skipped: 1, failed: [] };
    }
    return { passed: sum(results, ({ passed }) => passed), skipped: sum(results, ({ skipped }) => skipped), failed: results.flatMap(({ failed }) => failed) };
  },
});

const outside = (vm: Vm, name: string, folders: readonly string[]) => suite(name, folders, vm.env).run;
/** Files of tests, run inside; without files nothing. */
const inside = (vm: Vm, name: string, { files, user = "root" }: { readonly files: readonly string[]; readonly user?: string }) => async (): Promise<Result> => {
  if (files.length === 0) return { passed: 0, skipped: 0, failed: [] };
  if (user !== "root") await vm.admit(user);
  return await reported(name, { env: vm.env, argv: (report) => vm.inside(files, { report, user }), fetch: vm.fetch });
};

const BOX_IN_VM = (vm: Vm) => outside(vm, "vm-box", ["test/e2e/box"]);
const PLAIN_IN_VM = (vm: Vm) => inside(vm, "vm-plain", { files: chosen("PLAIN", "test/e2e/plain") });
const ROOTLESS_IN_VM = (vm: Vm) => inside(vm, "vm-rootless", { files: chosen("ROOTLESS", "test/e2e/plain"), user: "alice" });

/** Files that do not load and hooks that fail are no test's failure: they are in Bun's own count and status only. */
function unreported(name: string, { status, said, reported }: { readonly status: number; readonly said: string; readonly reported: number }): string[] {
  const failures = Number([...said.matchAll(/^ (\d+) fail$/gm)].at(-1)?.[1] ?? 0);
  const more = Math.max(failures - reported, status !== 0 && failures === 0 ? 1 : 0);
  return Array.from({ length: more }, () => `${name}: outside of a test (exit status ${status})`);
}

const SUITES: Readonly<Record<string, readonly Step[]>> = {
  check: [
    check("types", [`${CHECKOUT}/node_modules/.bin/tsc`, "-p", "."]),
    check("lint", [`${CHECKOUT}/node_modules/.bin/oxlint`, "src", "test", "tools"]),
    suite("unit", ["src", "test/style", "test/harness"]),
  ],
  plain: [suite("plain", ["test/e2e/plain"])],
  box: [suite("box", ["test/e2e/box"])],
  vm: [inVm("vm", (vm) => [outside(vm, "vm", ["test/e2e/vm"])])],
  "vm-box": [inVm("vm-box", (vm) => [BOX_IN_VM(vm)])],
  "vm-plain": [inVm("vm-plain", (vm) => [PLAIN_IN_VM(vm)])],
  "vm-rootless": [inVm("vm-rootless", (vm) => [ROOTLESS_IN_VM(vm)])], // in a machine of its own: root's tests leave files that a user cannot write
  powercut: [suite("powercut", ["test/e2e/powercut"], { WHERRY_PACE: PACE })],
};

function spawn(argv: readonly string[], env: Environment = {}): Bun.Subprocess<"ignore", "inherit", "pipe"> {
  return Bun.spawn([...argv], { cwd: CHECKOUT, env: { ...process.env, ...env }, stdin: "ignore", stdout: "inherit", stderr: "pipe" });
}

/** Passes everything on to stderr, and returns it. */
async function forward(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of stream) {
    process.stderr.write(chunk);
    said += decoder.decode(chunk, { stream: true });
  }
  return said;
}

/** The exit status of a command; 127, as a shell has it, when it is not there. */
async function follow(argv: readonly string[]): Promise<number> {
  if (Bun.which(argv[0] ?? "") === null) {
    console.error(`Cannot run "${argv[0]}": it is not installed, node_modules may be older than package-lock.json`);
    return 127;
  }
  const child = spawn(argv);
  await forward(child.stderr);
  return child.exited;
}

/** Counts the test cases of a JUnit report. */
export function counted(report: string): Result {
  const cases = [...report.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)];
  const outcome = cases.map(([, attributes = "", , body = ""]) => ({
    title: `${attribute(attributes, "file")}: ${attribute(attributes, "name")}`,
    state: /<(failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
  }));
  return {
    passed: outcome.filter(({ state }) => state === "passed").length,
    skipped: outcome.filter(({ state }) => state === "skipped").length,
    failed: outcome.filter(({ state }) => state === "failed").map(({ title }) => title),
  };
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };
function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}

async function main(names: readonly string[]): Promise<number> {
  mkdirSync(CACHE, { recursive: true });
  const results: Result[] = [];
  for (const name of names) {
    const sides = name.split("+").map((each) => inTurn(SUITES[each] ?? fail(each)));
    results.push(...(await Promise.all(sides)).flat());
  }
  const failed = results.flatMap((result) => result.failed);
  const lines = [...failed.map((each) => `FAILED ${each}`), summary(results)];
  writeFileSync(`${CACHE}/summary`, lines.map((line) => `${line}\n`).join(""));
  console.log(`\n${lines.join("\n")}`);
  return failed.length === 0 ? 0 : 1;
}

async function inTurn(steps: readonly Step[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const step of steps) {
    const started = performance.now();
    const result = await step.run();
    results.push(result);
    console.log(`${step.name}: ${summary([result])} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
  return results;
}

function fail(name: string): never {
  throw new Error(`There is no suite "${name}", there are ${Object.keys(SUITES).join(", ")}`);
}

const sum = (results: readonly Result[], count: (result: Result) => number): number => results.reduce((total, result) => total + count(result), 0);

function summary(results: readonly Result[]): string {
  const skipped = sum(results, (result) => result.skipped);
  return `${sum(results, (result) => result.passed)} passed, ${sum(results, (result) => result.failed.length)} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
