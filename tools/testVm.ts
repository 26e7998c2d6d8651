/** Tests in one VM that is booted for all of them: from outside, and for what is to see its processes, inside. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";

const CHECKOUT = resolve(import.meta.dir, "..");
const TOOL = `${CHECKOUT}/tools/room-vm`;
/** As `make test` finds an emulated machine to be, with something to spare. */
export const PACE = "10";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Vm {
  /** For tests that run outside and enter it. */
  readonly env: Readonly<Record<string, string>>;
  /** argv that runs `bun test` with some words inside, and keeps its report in a file there. */
  inside(words: readonly string[], options: Inside): readonly string[];
  /** Lets an ordinary user run tests inside, whose services stay, and who writes where the tests do. */
  admit(user: string): Promise<void>;
  /** Brings a file of it to the same path here; none when there is none. */
  fetch(path: string): Promise<void>;
}

export interface Inside {
  readonly report: string;
  /** Who runs the tests; root when absent. */
  readonly user?: string;
}

/** Runs an action with a VM that ends with it; the reason where there can be none. */
export async function withVm<T>(action: (vm: Vm) => Promise<T>): Promise<T | { readonly missing: string }> {
  const parent = mkdtempSync(`${tmpdir()}/wherry-vm.`);
  const env = { ...process.env, WHERRY_VM: `${parent}/vm`, WHERRY_ROOM: "vm", WHERRY_PACE: PACE };
  const keeper = Bun.spawn([TOOL, "hold"], { env, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  try {
    const { value } = await keeper.stdout.getReader().read();
    if (!new TextDecoder().decode(value).includes("ready")) {
      const said = (await new Response(keeper.stderr).text()).trim().split("\n").at(-1) ?? "";
      if ((await keeper.exited) === 77) return { missing: said };
      throw new Error(said);
    }
    return await action({ env: { WHERRY_VM: `${parent}/vm`, WHERRY_ROOM: "vm", WHERRY_PACE: PACE }, inside, admit: (user) => admit(env, user), fetch: (path) => fetchFrom(env, path) });
  } finally {
    await keeper.stdin.end();
    await keeper.exited;
    rmSync(parent, { recursive: true, force: true });
  }
}

function inside(words: readonly string[], { report, user = "root" }: Inside): readonly string[] {
  const script = 'cd "$1" && shift && mkdir -p .cache && exec env PATH="$PWD/node_modules/.bin:$PATH" WHERRY_ROOM=here "$@"';
  return [TOOL, "run", "--user", user, "sh", "-c", script, "-", CHECKOUT, `WHERRY_PACE=${PACE}`, "bun", "test", "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`, ...words];
}

async function admit(env: Environment, user: string): Promise<void> {
  const argv = [TOOL, "run", "sh", "-euc", 'loginctl enable-linger "$2"; mkdir -p "$1/.cache"; chmod 1777 /run "$1/.cache"', "-", CHECKOUT, user];
  const status = await Bun.spawn(argv, { env, stdin: "ignore", stdout: "inherit", stderr: "inherit" }).exited;
  if (status !== 0) throw new Error(`Cannot admit user "${user}" to the VM: exit status ${status}`);
}

async function fetchFrom(env: Environment, path: string): Promise<void> {
  const child = Bun.spawn([TOOL, "run", "cat", path], { env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) === 0) writeFileSync(path, text);
}

/** Files of the plain room's tests that run inside when nobody names others: for root, what depends on the kernel most. */
const CHOICES = { PLAIN: "play resources security", ROOTLESS: "play pods probes volumes lifecycle environment names" } as const;

/** The files of a folder's tests that `PLAIN="play volumes"` names, or `ROOTLESS` for an ordinary user. */
export const chosen = (variable: keyof typeof CHOICES, folder: string): readonly string[] =>
  (process.env[variable] ?? CHOICES[variable]).split(" ").filter((name) => name !== "").map((name) => `./${folder}/${name}.test.ts`);
