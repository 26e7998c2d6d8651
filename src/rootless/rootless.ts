/**
 * The rootless engine: an ordinary user's wherry is root in a user namespace of that user (`user_namespaces(7)`), and
 * sees what it mounts in a mount namespace. Both are made once, with `newuidmap(1)` and `newgidmap(1)`, held by a process
 * that does nothing (the *holder*), and joined by every command that changes something; commands that only read stay out.
 *
 * The holder's pid and start time are in `<runtime>/rootless/holder`, written by itself. When it has been killed, the
 * namespaces live on in the monitors and supervisors of what runs: the next command joins one of those, and puts a new
 * holder there. Only when nothing runs are they made anew; then nothing that was mounted in them is missed.
 */

/** The ordinary user. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** Subordinate ids of the host (`subuid(5)`). */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** Tells a process that it is in the namespaces already, and whose they are; `main.ts` reads it. */
export const ROOTLESS_VARIABLE = "WHERRY_ROOTLESS";

export interface Entry {
  readonly owner: Owner;
  /** The user's runtime directory, `$XDG_RUNTIME_DIR/wherry`. */
  readonly runtime: string;
  /** What is to be run inside: this program, with the words of its command line. */
  readonly argv: readonly string[];
  /** argv that goes before it all, outside: it becomes what follows. */
  readonly through: readonly string[];
  /** Fails when the host does not let the user; asked before namespaces are made. */
  readonly allowed: () => Promise<void>;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only into namespaces that stand: none are made. */
  readonly standing: boolean;
  /** Shell words that are run in the new namespaces once, `$1` being the directory of the holder. */
  readonly setUp: string;
}

/** Directory of what belongs to the namespaces themselves: `holder`, `lock`, and what the network keeps. */
export { rootlessDirectory } from "../base/paths.ts";

/**
 * The slice of a user's services, played by hand or by units. The holder's scope is ordered before it, so that at a
 * shutdown the holder ends when they have.
 */
export const SERVICES_SLICE = "app-wherry.slice";

/** How the names of scopes begin. None is used twice: systemd may still know of the unit of a holder that was killed. */
export const NAMESPACES_SCOPE = "wherry-namespaces-";
