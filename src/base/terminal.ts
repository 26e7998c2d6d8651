/** The terminal that a descriptor is (termios(3), ioctl_tty(2)), by FFI to the C library. */
import { dlopen, FFIType, ptr } from "bun:ffi";

const { i32, u64, pointer } = FFIType;
const open = () =>
  dlopen("libc.so.6", {
    tcgetattr: { args: [i32, pointer], returns: i32 },
    tcsetattr: { args: [i32, i32, pointer], returns: i32 },
    cfmakeraw: { args: [pointer], returns: FFIType.void },
    ioctl: { args: [i32, u64, pointer], returns: i32 },
  }).symbols;
let opened: ReturnType<typeof open> | undefined;
/** Opened when it is first used: commands ask for little of it, or nothing. */
const libc = (): ReturnType<typeof open> => (opened ??= open());

/** More than `struct termios` of any architecture. */
const TERMIOS_SIZE = 128;
/** When what was written has been sent. */
const TCSADRAIN = 1;
const TIOCGWINSZ = 0x5413n, TIOCSWINSZ = 0x5414n;

/** isatty(3). */
export const isTerminalDevice = (fd: number): boolean => libc().tcgetattr(fd, ptr(new Uint8Array(TERMIOS_SIZE))) === 0;

/**
 * Hands every key on as it is pressed, unseen and without meaning (Ctrl-C too), until it is disposed. Does nothing when
 * the descriptor is no terminal.
 */
export function rawTerminal(fd: number): Disposable {
  const before = new Uint8Array(TERMIOS_SIZE);
  if (libc().tcgetattr(fd, ptr(before)) !== 0) return { [Symbol.dispose]: () => undefined };
  const raw = Uint8Array.from(before);
  libc().cfmakeraw(ptr(raw));
  libc().tcsetattr(fd, TCSADRAIN, ptr(raw));
  return { [Symbol.dispose]: () => void libc().tcsetattr(fd, TCSADRAIN, ptr(before)) };
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Undefined when the descriptor is no terminal, or one that does not know. */
export function terminalSize(fd: number): TerminalSize | undefined {
  const size = new Uint16Array(4);
  if (libc().ioctl(fd, TIOCGWINSZ, ptr(size)) !== 0) return undefined;
  const [rows = 0, columns = 0] = size;
  return rows === 0 || columns === 0 ? undefined : { rows, columns };
}

/** Does nothing when the descriptor is no terminal. Who is in the foreground there is told with SIGWINCH. */
export function setTerminalSize(fd: number, { rows, columns }: TerminalSize): void {
  libc().ioctl(fd, TIOCSWINSZ, ptr(Uint16Array.of(rows, columns, 0, 0)));
}
