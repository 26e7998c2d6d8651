/** The signals of Linux (signal(7)), by name and number; real-time ones too. */

const NAMES = [
  "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
  "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
] as const;

/** As Kubernetes writes them: `SIGTERM`, `SIGRTMIN+3`. */
export type Signal = `SIG${(typeof NAMES)[number]}` | `SIGRTMIN${string}` | `SIGRTMAX${string}`;

/** The C library keeps the first two for itself. */
const RTMIN = 34;
const RTMAX = 64;
const ALIASES: Readonly<Record<string, Signal>> = { IOT: "SIGABRT", POLL: "SIGIO", CLD: "SIGCHLD" };
const REAL_TIME = /^RT(?:MIN(?:\+([0-9]+))?|MAX(?:-([0-9]+))?)$/;

/** `SIGTERM`, `TERM`, `term`, `15`, `RTMIN+3`, `37` -> the signal; undefined for what is none. */
export function signalNamed(text: string): Signal | undefined {
  const name = text.toUpperCase().replace(/^SIG/, "");
  if (/^\d+$/.test(name)) return byNumber(Number(name));
  const known = NAMES.find((each) => each === name);
  if (known !== undefined) return `SIG${known}`;
  if (!REAL_TIME.test(name)) return ALIASES[name];
  const number = realTime(name);
  return number >= RTMIN && number <= RTMAX ? byNumber(number) : undefined;
}

function byNumber(number: number): Signal | undefined {
  const name = NAMES[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < RTMIN || number > RTMAX) return undefined;
  return number === RTMIN ? "SIGRTMIN" : number === RTMAX ? "SIGRTMAX" : `SIGRTMIN+${number - RTMIN}`;
}

/** The number of a signal, on this architecture. */
export function signalNumber(signal: Signal): number {
  const at = NAMES.findIndex((each) => `SIG${each}` === signal);
  return at >= 0 ? at + 1 : realTime(signal.slice(3));
}

function realTime(name: string): number {
  const [, above, below] = REAL_TIME.exec(name) ?? [];
  return name.startsWith("RTMAX") ? RTMAX - Number(below ?? 0) : RTMIN + Number(above ?? 0);
}
