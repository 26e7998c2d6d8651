/** The network's part of the leak check: interfaces, addresses, and firewall rules of iptables and nftables. */
import { exec } from "../../src/base/exec.ts";

/**
 * The frame that netavark 1.4 builds at its first use and keeps: jumps and empty chains, without an address, a port or a
 * container in them. One exists per machine, however many pods come and go.
 */
const NETAVARK_FRAME: readonly RegExp[] = [
  /^:NETAVARK(_FORWARD|-HOSTPORT-(DNAT|MASQ|SETMARK)) /,
  /^-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD$/,
  /^-A (PREROUTING|OUTPUT) -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT$/,
  /^-A POSTROUTING -j NETAVARK-HOSTPORT-MASQ$/,
  /^-A NETAVARK-HOSTPORT-MASQ .*-j MASQUERADE$/,
  /^-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark \S+$/,
];

/** argv that runs a command in the network namespace that is looked at. */
type Enter = (argv: readonly string[]) => readonly string[];
const here: Enter = (argv) => argv;

export async function interfaceLines(enter: Enter = here): Promise<string[]> {
  const addresses = await exec(enter(["ip", "-o", "address"]));
  const links = await exec(enter(["ip", "-o", "link"]));
  return [
    ...links.stdout.split("\n").filter(Boolean).map((line) => `interface ${line.split(": ")[1]?.split("@")[0]}`),
    ...addresses.stdout.split("\n").filter(Boolean).map((line) => `address ${line.split(/\s+/).slice(1, 4).join(" ")}`),
  ];
}

export async function firewallLines(enter: Enter = here): Promise<string[]> {
  const families = await Promise.all(["iptables-save", "ip6tables-save"].map((command) => legacyLines(command, enter)));
  const ruleset = await exec(enter(["nft", "--stateless", "list", "ruleset"]), { allowFailure: true });
  return [...families.flat(), ...nftLines(ruleset.stdout)];
}

/** Rules and user-defined chains; built-in chains, tables and counters say nothing. */
async function legacyLines(command: string, enter: Enter): Promise<string[]> {
  const { stdout } = await exec(enter([command]), { allowFailure: true });
  let table = "";
  const lines: string[] = [];
  for (const line of stdout.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1);
    const counted = line.replace(/ \[\d+:\d+\]$/, "");
    const says = counted.startsWith("-A") || (counted.startsWith(":") && counted.endsWith(" -"));
    if (says && !NETAVARK_FRAME.some((frame) => frame.test(counted))) lines.push(`firewall ${command.replace("-save", "")} ${table} ${counted}`);
  }
  return lines;
}

/** Lines of every table that is not one of iptables-nft's, which `iptables-save` has shown already. */
function nftLines(ruleset: string): string[] {
  const tables = ruleset.split(/^(?=table )/m).filter((table) => !/^table ip6? (filter|nat|mangle|raw|security) /.test(table));
  return tables.flatMap((table) => {
    const name = table.split(" {")[0];
    return table.split("\n").slice(1).map((line) => line.trim()).filter((line) => line !== "" && line !== "}").map((line) => `firewall nft ${name} ${line}`);
  });
}
