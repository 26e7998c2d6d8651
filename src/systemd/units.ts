/** The unit of a manifest, and the manager that runs it: systemctl(1). */
import { isAbsolute, normalize } from "node:path";
import { fail } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { escapeName } from "./escape.ts";
import { isSystemdRunning } from "./host.ts";

/** Which manager is meant: the system's, or the one of the user who runs this process. */
export interface Manager {
  readonly user: boolean;
}

export interface UnitOptions extends Manager {
  /** Also start (or stop) it, and wait until that is done. */
  readonly now?: boolean;
  readonly signal?: AbortSignal;
}

/** Bytes that a unit name may have (`UNIT_NAME_MAX` of systemd less its NUL). */
const NAME_MAX = 255;
/** The jobs of a unit end by the unit's own timeouts, which wherry extends while it makes progress; this ends a stuck systemctl. */
const JOB_TIMEOUT = 24 * 3600 * 1000;

/**
 * The unit that plays `file`, an absolute path: `/srv/shop.yaml` → `wherry@-srv-shop.yaml.service`, as
 * `systemd-escape --template=wherry@.service /srv/shop.yaml` writes it. Kind `invalid` for a relative path and for one too long.
 */
export function unitNameOf(file: string): string {
  if (!isAbsolute(file)) fail("invalid", `Cannot name the unit of "${file}": the path is relative, it should be absolute`);
  const name = `wherry@${escapeName(normalize(file))}.service`;
  if (name.length > NAME_MAX) {
    fail("invalid", `Cannot name the unit of "${file}": the name would have ${name.length} characters, it should have at most ${NAME_MAX}`, {
      hint: "give the file a shorter path",
    });
  }
  return name;
}

/**
 * Runs systemctl and returns what it prints. Kind `unavailable` when systemd does not run or systemctl is not installed,
 * `failed` with systemctl's own sentence. `timeout`: milliseconds, 60 s when absent.
 */
export async function systemctl(args: readonly string[], manager: Manager, options: { readonly timeout?: number; readonly signal?: AbortSignal } = {}): Promise<string> {
  if (!isSystemdRunning()) {
    fail("unavailable", "Cannot run \"systemctl\": this host was not started by systemd, it should be");
  }
  const { stdout } = await exec(systemctlArgv(args, manager), { env: managerEnvironment(manager), ...options });
  return stdout;
}

/** Makes the unit of `file` start at boot (for a user: with the user's manager). Returns the unit's name. */
export async function enableUnit(file: string, options: UnitOptions): Promise<string> {
  return changeUnit(options.now === true ? ["enable", "--now"] : ["enable"], file, options);
}

/** Undoes `enableUnit`. */
export async function disableUnit(file: string, options: UnitOptions): Promise<string> {
  return changeUnit(options.now === true ? ["disable", "--now"] : ["disable"], file, options);
}

async function changeUnit(words: readonly string[], file: string, options: UnitOptions): Promise<string> {
  const unit = unitNameOf(file);
  const limits = { timeout: JOB_TIMEOUT, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  await systemctl([...words, unit], options, limits);
  return unit;
}

/** Unit names begin with "wherry@", so nothing here can be taken for an option. */
export function systemctlArgv(args: readonly string[], { user }: Manager): readonly string[] {
  return ["systemctl", ...(user ? ["--user"] : []), "--no-pager", "--no-ask-password", ...args];
}

/** systemctl finds a user's manager below this directory (pam_systemd(8)). */
function managerEnvironment({ user }: Manager): Readonly<Record<string, string>> {
  return user ? { XDG_RUNTIME_DIR: `/run/user/${process.getuid?.() ?? 0}` } : {};
}
