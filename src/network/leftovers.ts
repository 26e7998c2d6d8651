/** What of a network stands in the kernel: for the leak check, for recovery, and to know whether closing has anything to do. */
import { readFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { WherryError } from "../base/errors.ts";
import { interfaceIndex } from "../base/libc.ts";
import { anchorOf, portsOf } from "./anchor.ts";
import type { Bridge } from "./network.ts";
import { networkHashOf, networkIdOf } from "./request.ts";

export interface Leftovers {
  /** The bridge, its ports (the host's ends of the pods' pairs) and its anchor. */
  readonly interfaces: readonly string[];
  /** Chains and rules of the network, as the firewall's own tool prints them. netavark's outermost chains are not counted: they are common to all its users and stay. */
  readonly rules: readonly string[];
  /** Files below the directory on which a namespace is mounted, as this process's mount namespace has them. */
  readonly pins: readonly string[];
}

/** Everything empty: nothing is left. Reads only, and takes no lock. */
export async function listLeftovers(options: { readonly bridge: Bridge; readonly directory: string }): Promise<Leftovers> {
  return { interfaces: interfacesOf(options.bridge), rules: await rulesOf(options.bridge), pins: pinsBelow(options.directory) };
}

function interfacesOf(bridge: Bridge): readonly string[] {
  const own = [bridge.interface, ...anchorOf(bridge)].filter((name) => interfaceIndex(name) > 0);
  return [...new Set([...own, ...portsOf(bridge)])];
}

/** netavark up to 1.12 works through iptables, later versions in a table of nftables. A tool that is missing has nothing to show. */
export async function rulesOf(bridge: Bridge): Promise<readonly string[]> {
  const texts = await Promise.all([textOf(["iptables-save"]), textOf(["ip6tables-save"]), textOf(["nft", "list", "table", "inet", "netavark"])]);
  return texts.flatMap((text) => rulesIn(text, bridge));
}

/** The lines of a firewall listing that belong to a network. */
export function rulesIn(text: string, bridge: Bridge): readonly string[] {
  const marks = [networkHashOf(bridge), `nv_${networkIdOf(bridge).slice(0, 8)}_`, ` ${bridge.subnet} `, ` ${bridge.subnet6} `, ` ${bridge.interface} `, `"${bridge.interface}"`];
  return text.split("\n").map((line) => line.trim()).filter((line) => marks.some((mark) => `${line} `.includes(mark)));
}

async function textOf(argv: readonly string[]): Promise<string> {
  try {
    const { status, stdout } = await exec(argv, { allowFailure: true, timeout: 10_000 });
    return status === 0 ? stdout : "";
  } catch (thrown) {
    if (thrown instanceof WherryError && thrown.kind === "unavailable") return "";
    throw thrown;
  }
}

/** `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the fifth field is the mount point, the type follows the hyphen. */
function pinsBelow(directory: string): readonly string[] {
  return pinsIn(readFileSync("/proc/self/mountinfo", "utf8"), directory);
}

export function pinsIn(mountinfo: string, directory: string): readonly string[] {
  return mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4]?.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    return point !== undefined && line.includes(" - nsfs ") && point.startsWith(`${directory}/`) ? [point] : [];
  });
}
