/** Credentials for registries: skopeo asks for them, tries them, and keeps them where its kin find them, too. */
import { CLEAN_ENV } from "../base/exec.ts";
import { fail } from "../base/errors.ts";
import { reasonOf, skopeoArgv } from "./skopeo.ts";

export interface LoginOptions {
  readonly username?: string;
  /** A password is handed over on the standard input. */
  readonly password?: boolean;
  /** Only say who is logged in. */
  readonly getLogin?: boolean;
  readonly authFile?: string;
  readonly tlsVerify?: boolean;
  readonly certDir?: string;
}

/** Words for skopeo that log in to a registry. A password is never among them. */
export function loginWords(registry: string, { username, password, getLogin, authFile, tlsVerify, certDir }: LoginOptions): readonly string[] {
  return [
    "login",
    ...(username === undefined ? [] : [`--username=${username}`]),
    ...(password === true ? ["--password-stdin"] : []),
    ...(getLogin === true ? ["--get-login"] : []),
    ...(authFile === undefined ? [] : [`--authfile=${authFile}`]),
    ...(tlsVerify === undefined ? [] : [`--tls-verify=${tlsVerify}`]),
    ...(certDir === undefined ? [] : [`--cert-dir=${certDir}`]),
    "--", registry,
  ];
}

/** Words for skopeo that log out of a registry, or of all. */
export function logoutWords(registry: string | undefined, { authFile }: { readonly authFile?: string }): readonly string[] {
  return ["logout", ...(authFile === undefined ? [] : [`--authfile=${authFile}`]), ...(registry === undefined ? ["--all"] : ["--", registry])];
}

export interface RunOptions {
  /** What it is for, in an error: `log in to "quay.io"`. */
  readonly action: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Handed over on the standard input, in place of ours. */
  readonly password?: string;
  /** Our standard input is a terminal. The caller sees to it that SIGINT does not end us. */
  readonly terminal: boolean;
}

/**
 * Runs such words on the terminal that we are on, so that skopeo can ask; as long as its user takes. What it says goes
 * to our standard output. Returns false when it was interrupted. Kinds `failed` with skopeo's reason, `unavailable`
 * without skopeo.
 */
export async function runLogin(words: readonly string[], options: RunOptions): Promise<boolean> {
  const terminal = options.terminal && options.password === undefined;
  const settings = terminal ? await stty("-g") : "";
  const child = launch(skopeoArgv(words, options), options);
  const [stderr, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (settings !== "") await stty(settings); // skopeo 1.9 leaves a terminal without echo when it is interrupted while it asks
  if (child.signalCode === "SIGINT" || status === 130) return false;
  if (status !== 0) fail("failed", `Cannot ${options.action}: ${reasonOf(stderr) || `skopeo ended with ${status}`}`);
  return true;
}

/** Runs stty(1) on our standard input; returns what it says. */
async function stty(setting: string): Promise<string> {
  const child = Bun.spawn(["stty", setting], { env: { ...CLEAN_ENV }, stdin: "inherit", stdout: "pipe", stderr: "ignore", timeout: 10_000 });
  return (await new Response(child.stdout).text()).trim();
}

function launch(argv: readonly string[], { environment, password }: RunOptions) {
  try {
    return Bun.spawn([...argv], { env: { ...CLEAN_ENV, ...environment }, stdin: password === undefined ? "inherit" : Buffer.from(password), stdout: "inherit", stderr: "pipe" });
  } catch (cause) {
    fail("unavailable", `Cannot run "${argv[0]}": it is not installed or not executable`, { cause, hint: `install the package that provides "${argv[0]}"` });
  }
}
