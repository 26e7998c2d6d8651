/** Going into the user's namespaces: this process becomes another one that begins there. */
import { acquire } from "../base/locks.ts";
import { execve } from "../base/libc.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { fail } from "../base/errors.ts";
import { livingHolder, livingMonitor, replaceHolder, startHolder } from "./holder.ts";
import { type Entry, ROOTLESS_VARIABLE, rootlessDirectory } from "./rootless.ts";

/** Becomes `argv` inside; returns only where it is to join `standing` ones and there are none. Kind `unavailable` when the host does not let the user. */
export async function enterNamespaces(entry: Entry): Promise<void> {
  const pid = entry.standing ? livingHolder(entry.runtime) : await holderOf(entry);
  if (pid === undefined) return;
  const [program, ...words] = entryArgv(entry, pid);
  const found = Bun.which(program ?? "", { PATH: CLEAN_ENV["PATH"] ?? "" }) ?? fail("unavailable", `Cannot run "${program}": it is not installed`, { hint: 'install the package "util-linux"' });
  execve(found, [found, ...words], environmentInside(entry));
}

/** Its lock is let go by the exec, or by the end of this process. Namespaces that stand are joined, whatever the host would say today. */
async function holderOf(entry: Entry): Promise<number> {
  const known = livingHolder(entry.runtime);
  if (known !== undefined) return known;
  if (livingMonitor(entry.runtime) === undefined) await entry.allowed();
  using _ = acquire(`${rootlessDirectory(entry.runtime)}/lock`, { wait: true });
  const late = livingHolder(entry.runtime);
  if (late !== undefined) return late;
  const monitor = livingMonitor(entry.runtime);
  return await (monitor === undefined ? startHolder(entry) : replaceHolder(entry, monitor));
}

/** `nsenter(1)`, with the working directory as it is seen inside. */
export function entryArgv({ argv, through, cwd }: Entry, pid: number): readonly string[] {
  return [...through, "nsenter", "--target", String(pid), "--user", "--mount", "--preserve-credentials", `--wdns=${cwd}`, "--", ...argv];
}

/** Most of what a command runs, it runs a few times: machine code is made of what it runs often (docs/performance.md). */
const QUICK = { BUN_JSC_thresholdForJITAfterWarmUp: "5000" };

export function environmentInside({ env, owner }: Entry): Readonly<Record<string, string>> {
  const kept = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return { ...QUICK, ...Object.fromEntries(kept), [ROOTLESS_VARIABLE]: String(owner.uid) };
}
