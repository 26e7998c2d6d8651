/** The bundle directory: what `create` and the monitor write into it, by name, and nothing else of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { errnoOf, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { mkfifo } from "../base/libc.ts";
import type { ContainerExit } from "../spec/spec.ts";
import { checkedPath } from "./cgroup.ts";
import { oomKills } from "./cgroupProcesses.ts";
import { textAt } from "./json.ts";
import type { OciConfig } from "./oci.ts";

export const configFile = (bundle: string): string => `${bundle}/config.json`;
export const lifeFifo = (bundle: string): string => `${bundle}/life`;
export const pidFile = (bundle: string): string => `${bundle}/pid`;
export const monitorPidFile = (bundle: string): string => `${bundle}/conmon.pid`;
/** Where conmon listens for who attaches, and for sizes of the terminal (`--full-attach`, `--bundle`). */
export const attachSocket = (bundle: string): string => `${bundle}/attach`;
export const controlFifo = (bundle: string): string => `${bundle}/ctl`;
/** What conmon says before it has left our terminal: why it could not start. */
export const monitorErrors = (bundle: string): string => `${bundle}/conmon.err`;

/** Also what a monitor that was killed while it replaced a file leaves: `exit.K3J2XA`. `rootfs/` is the caller's and may be a mount. */
const OURS = /^(config\.json|life|pid|conmon\.pid|conmon\.err|exit|oom|attach|ctl|winsz|exec-.*\.(json|sock))(\.\w{6})?$/;

/** Makes the bundle with its configuration and life fifo; returns whether the directory is new. */
export function makeBundle(bundle: string, config: OciConfig): boolean {
  const isNew = mkdirSync(bundle, { recursive: true, mode: 0o700 }) !== undefined;
  writeFileSync(configFile(bundle), JSON.stringify(config), { mode: 0o600 });
  mkfifo(lifeFifo(bundle));
  return isNew;
}

/** Takes the files away again; the directory too when `whole` is true and nothing else is in it. */
export function clearBundle(bundle: string, options: { readonly whole: boolean }): void {
  const entries = unless("ENOENT", () => readdirSync(bundle), []);
  for (const entry of entries) if (OURS.test(entry)) rmSync(`${bundle}/${entry}`, { force: true });
  try {
    if (options.whole) rmdirSync(bundle);
  } catch (thrown) {
    if (!["ENOENT", "ENOTEMPTY"].includes(errnoOf(thrown) ?? "")) throw thrown;
  }
}

/** The exit that the monitor recorded, or undefined. */
export function readExit(bundle: string): ContainerExit | undefined {
  const exitCode = Number.parseInt(readIfExists(`${bundle}/exit`) ?? "", 10);
  // conmon writes -1 when it lost its child without a status.
  if (Number.isNaN(exitCode) || exitCode < 0) return undefined;
  const finishedAt = Math.floor(statSync(`${bundle}/exit`).mtimeMs);
  return { exitCode, oomKilled: exitCode !== 0 && wasOomKilled(bundle), finishedAt };
}

/** conmon marks it in a file, but on v1 it may end before it has seen the event; the cgroup's counter does not forget. */
function wasOomKilled(bundle: string): boolean {
  const cgroup = cgroupOfBundle(bundle);
  return existsSync(`${bundle}/oom`) || (cgroup !== undefined && oomKills(cgroup) > 0);
}

/** `linux.cgroupsPath` of the bundle's configuration; undefined when there is no (whole) configuration. */
export function cgroupOfBundle(bundle: string): string | undefined {
  const path = textAt(readConfig(bundle), "linux", "cgroupsPath");
  return path === undefined ? undefined : checkedPath(path);
}

/** The parsed `config.json`; undefined when it is missing or was cut off by a crash, and so nothing was started with it. */
export function readConfig(bundle: string): unknown {
  try {
    return JSON.parse(readFileSync(configFile(bundle), "utf8"));
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT" || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
