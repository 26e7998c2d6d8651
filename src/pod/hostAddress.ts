/** The host's own addresses, which pods on its network share. */
import { networkInterfaces } from "node:os";

/** The first outside address of this host: IPv4, or IPv6 on a host that has no other; 127.0.0.1 without a network. */
export const hostAddress = (): string => hostAddresses().ip;

/** The first outside addresses of this host, one of each family that it has. */
export function hostAddresses(): { readonly ip: string; readonly ip6?: string } {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith("wherry"))
    .flatMap(([, own]) => own ?? [])
    .filter((each) => !each.internal && !(each.family === "IPv6" && each.scopeid !== 0));
  const [ip, ip6] = (["IPv4", "IPv6"] as const).map((family) => addresses.find((each) => each.family === family)?.address);
  if (ip === undefined) return { ip: ip6 ?? "127.0.0.1" };
  return { ip, ...(ip6 === undefined ? {} : { ip6 }) };
}
