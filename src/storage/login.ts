/** Credentials for registries: skopeo asks for them, tries them, and keeps them where its kin find them, too. */
import { CLEAN_ENV } from "../base/exec.ts";
import { fail } from "../base/errors.ts";

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

/** The command line that logs in to a registry. A password is never on it. */
export function loginArgv(registry: string, { username, password, getLogin, authFile, tlsVerify, certDir }: LoginOptions): readonly string[] {
  return [
    "skopeo", "login",
    ...(username === undefined ? [] : [`--username=${username}`]),
    ...(password === true ? ["--password-stdin"] : []),
    ...(getLogin === true ? ["--get-login"] : []),
    ...(authFile === undefined ? [] : [`--authfile=${authFile}`]),
    ...(tlsVerify === undefined ? [] : [`--tls-verify=${tlsVerify}`]),
    ...(certDir === undefined ? [] : [`--cert-dir=${certDir}`]),
    "--", registry,
  ];
}

/** The command line that logs out of a registry, or of all. */
export function logoutArgv(registry: string | undefined, { authFile }: { readonly authFile?: string }): readonly string[] {
  return ["skopeo", "logout", ...(authFile === undefined ? [] : [`--authfile=${authFile}`]), ...(registry === undefined ? ["--all"] : ["--", registry])];
}

export interface RunOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Handed over on the standard input, in place of ours. */
  readonly password?: string;
  /** Our standard input is a terminal. The caller sees to it that SIGINT does not end us. */
  readonly terminal: boolean;
}

/**
 * Runs such a command line on the terminal that we are on, so that it can ask; as long as its user takes. What it says
 * goes where we say things. Returns 1 when it failed, 130 when it was interrupted. Kind `unavailable` without skopeo.
 */
export async function runLogin(argv: readonly string[], options: RunOptions): Promise<number> {
  const terminal = options.terminal && options.password === undefined;
  const settings = terminal ? await stty("-g") : "";
  const child = launch(argv, options);
  const status = await child.exited;
  if (settings !== "") await stty(settings); // skopeo 1.9 leaves a terminal without echo when it is interrupted while it asks
  if (child.signalCode === "SIGINT" || status === 130) return 130;
  return status === 0 ? 0 : 1;
}

/** Runs stty(1) on our standard input; returns what it says. */
async function stty(setting: string): Promise<string> {
  const child = Bun.spawn(["stty", setting], { env: { ...CLEAN_ENV }, stdin: "inherit", stdout: "pipe", stderr: "ignore", timeout: 10_000 });
  return (await new Response(child.stdout).text()).trim();
}

function launch(argv: readonly string[], { environment, password }: RunOptions) {
  try {
    return Bun.spawn([...argv], { env: { ...CLEAN_ENV, ...environment }, stdin: password === undefined ? "inherit" : Buffer.from(password), stdout: "inherit", stderr: "inherit" });
  } catch (cause) {
    fail("unavailable", `Cannot run "${argv[0]}": it is not installed or not executable`, { cause, hint: `install the package that provides "${argv[0]}"` });
  }
}
