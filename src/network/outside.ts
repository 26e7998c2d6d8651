/** The helper that connects a user's network namespace with the outside world: whether it lives, and starting it anew. */
import { existsSync } from "node:fs";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { livingProcess } from "../base/pidFile.ts";
import { takeLock } from "./lock.ts";
import { helperIn, helperLogIn, HELPERS, netnsIn, startOf } from "./outsideWords.ts";

/** Milliseconds until a helper must be ready, and for those who wait for another's start of it. */
const START_TIMEOUT = 10_000, LOCK_TIMEOUT = 15_000;

/**
 * Makes sure that the helper in `directory` lives. Returns why there is no outside, undefined when there is one. To be
 * called in the host's network namespace, in the user and mount namespaces that `OUTSIDE_SETUP` ran in. `through` gives
 * argv that goes before that of a new helper.
 */
export async function ensureOutside(directory: string, through: () => readonly string[] = () => []): Promise<string | undefined> {
  if (helperLives(directory)) return undefined;
  using _ = await takeLock(`${directory}/outside.lock`, { shared: false, timeout: LOCK_TIMEOUT });
  return helperLives(directory) ? undefined : await startHelper(directory, through);
}

/** The helper lives. A file's read and another's. */
export const helperLives = (directory: string): boolean => livingProcess(helperIn(directory)) !== undefined;

async function startHelper(directory: string, through: () => readonly string[]): Promise<string | undefined> {
  const name = HELPERS.find((each) => Bun.which(each, { PATH: CLEAN_ENV["PATH"] ?? "" }) !== null);
  if (name === undefined) return 'neither "pasta" nor "slirp4netns" is installed, one should be: install the package "passt"';
  if (!existsSync(netnsIn(directory))) return `there is no network namespace "${netnsIn(directory)}"`;
  const { status, stderr } = await exec([...through(), "sh", "-euc", startOf(name), "outside", directory], { timeout: START_TIMEOUT, allowFailure: true });
  return status === 0 ? undefined : lastLine(stderr) || lastLine(readIfExists(helperLogIn(directory)) ?? "") || `"${name}" ended`;
}

const lastLine = (text: string): string => text.trim().split("\n").filter((line) => !line.includes("syslog")).at(-1) ?? "";
