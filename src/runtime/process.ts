/**
 * Processes by pid, safe against reuse of the pid: a pidfd (`pidfd_open(2)`) is opened first, then it is checked that
 * the pid still means the process that was meant, then the signal goes to the pidfd.
 */
import { dlopen, FFIType, read } from "bun:ffi";
import { closeSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { readProc } from "../base/pidFile.ts";
import { type Signal, signalNumber } from "../spec/signals.ts";

// Numbers of Linux 5.3 and later, equal on every architecture; the C library has wrappers only since glibc 2.36.
const PIDFD_OPEN = 434;
const PIDFD_SEND_SIGNAL = 424;
const ESRCH = 3;
const EINVAL = 22; // pidfd_open: the process has ended and another thread has its number

const { i64, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  syscall: { args: [i64, i64, i64, i64, i64], returns: i64 },
  __errno_location: { args: [], returns: pointer },
}).symbols;

/** Sends a signal to `pid` if `isMeant` still holds once the process cannot be replaced. False when it has ended or is another. */
export function signalProcess(pid: number, signal: Signal, isMeant: () => boolean): boolean {
  const fd = call(PIDFD_OPEN, [pid, 0, 0, 0], pid);
  if (fd === undefined) return false;
  try {
    return isMeant() && call(PIDFD_SEND_SIGNAL, [fd, signalNumber(signal), 0, 0], pid) !== undefined;
  } finally {
    closeSync(fd);
  }
}

function call(number: number, [a, b, c, d]: readonly [number, number, number, number], pid: number): number | undefined {
  const result = Number(libc.syscall(number, a, b, c, d));
  if (result >= 0) return result;
  const where = libc.__errno_location();
  const errno = where === null ? 0 : read.i32(where, 0);
  return errno === ESRCH || errno === EINVAL ? undefined : fail("failed", `Cannot signal process "${pid}": errno ${errno}`);
}

/** The argv of a process; empty when it has ended. */
export const commandLine = (pid: number): readonly string[] => readProc(pid, "cmdline").split("\0").slice(0, -1);

/** The environment that a process was started with; empty when it has ended. */
export const environment = (pid: number): readonly string[] => readProc(pid, "environ").split("\0").slice(0, -1);
