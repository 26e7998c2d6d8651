/**
 * What is known of a bridge besides the kernel: one small file per pod on it, and one for the bridge itself. They lie on
 * tmpfs beside netavark's own state and are written before the thing is made and removed after it is gone. A file that
 * a crash left half-written says `changing`.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { ensureDirectory, readIfExists } from "../base/files.ts";
import { unless } from "../base/errors.ts";
import type { Attachment, Bridge } from "./network.ts";
import { containerIdOf, networkIdOf } from "./request.ts";

/** `changing`: something of the pod may exist, and a netavark of a killed process may still be at work on it. */
export type MemberState = "changing" | "attached";
/** `changing`: something of the bridge and its chains may exist. `open`: all of it does for IPv4, unless the kernel says otherwise; `raising`: and something for IPv6; `open6`: all for both. */
export type BridgeState = "changing" | "open" | "raising" | "open6";

export interface Register {
  /** Directory for netavark's `--config`. */
  readonly netavarkDirectory: string;
  /** Path for the pin of a namespace that stands in for that of the pod. */
  standIn(uid: string): string;
  /** Paths of all stand-ins, also of those that a killed process has left pinned. */
  standIns(): readonly string[];
  members(): readonly string[];
  member(uid: string): MemberState | undefined;
  putMember(uid: string, state: MemberState): void;
  removeMember(attachment: Attachment): void;
  bridge(): BridgeState | undefined;
  putBridge(state: BridgeState): void;
  /** Forgets the bridge and what netavark wrote down about it. */
  removeBridge(): void;
}

const STAND_IN = "stand-in-";

export function register(configDirectory: string, bridge: Bridge): Register {
  const root = `${configDirectory}/${bridge.interface}`;
  const members = `${root}/pods`, state = `${root}/state`, netavarkDirectory = `${root}/netavark`;
  return {
    netavarkDirectory,
    standIn: (uid) => `${root}/${STAND_IN}${uid}`,
    standIns: () => unless("ENOENT", () => readdirSync(root), []).filter((name) => name.startsWith(STAND_IN)).map((name) => `${root}/${name}`),
    members: () => unless("ENOENT", () => readdirSync(members), []),
    member: (uid) => stateIn(readIfExists(`${members}/${uid}`), ["attached"]),
    putMember(uid, value) {
      ensureDirectory(members);
      writeFileSync(`${members}/${uid}`, value);
    },
    removeMember(attachment) {
      rmSync(`${members}/${attachment.uid}`, { force: true });
      // netavark since 1.9 notes every pod for firewall reloads, and forgets only those it takes down with their firewall rules
      rmSync(`${netavarkDirectory}/firewall/ports/${networkIdOf(bridge)}_${containerIdOf(attachment)}`, { force: true });
    },
    bridge: () => stateIn(readIfExists(state), ["open", "raising", "open6"]),
    putBridge(value) {
      ensureDirectory(netavarkDirectory);
      writeFileSync(state, value);
    },
    removeBridge: () => rmSync(root, { recursive: true, force: true }),
  };
}

function stateIn<T extends string>(text: string | undefined, settled: readonly T[]): T | "changing" | undefined {
  if (text === undefined) return undefined;
  return settled.find((state) => state === text) ?? "changing";
}
