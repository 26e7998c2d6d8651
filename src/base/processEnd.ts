/** Waiting for the end of a process that is not our child. */
import { closeSync } from "node:fs";
import { openPidfd } from "./libc.ts";
import { livingProcess } from "./pidFile.ts";
import { readable } from "./readable.ts";

/**
 * Resolves when the process that a file names (`pidFile.ts`) has ended; at once when it names none that lives. Waiting
 * costs a descriptor and keeps this process from nothing, not even from its end. It cannot be given up.
 */
export async function processEnd(path: string): Promise<void> {
  const pid = livingProcess(path);
  const fd = pid === undefined ? undefined : openPidfd(pid);
  if (fd === undefined) return;
  // A pidfd is readable when its process has ended (pidfd_open(2)).
  if (livingProcess(path) === pid) await readable(fd);
  else closeSync(fd); // it may be of who has the number now
}
