/** Which addresses a pod gets. Pure. */
import { fail } from "../base/errors.ts";

/**
 * The lowest address of an IPv4 `subnet` (`10.89.0.0/16`) that is not in `taken`; never the network's own, the first (the
 * gateway) or the last two (`reservedAddress`, and broadcast). Fails with kind `unavailable` when none is free, `invalid` when it is no subnet.
 */
export function lowestFree(subnet: string, taken: ReadonlySet<string>): string {
  const { first, last } = rangeOf(subnet);
  for (let address = first + 2; address < last - 1; address += 1) {
    const text = format(address);
    if (!taken.has(text)) return text;
  }
  return fail("unavailable", `Cannot give an address of "${subnet}": all of its ${Math.max(0, last - first - 3)} addresses are taken`, {
    code: "ENOADDRESS",
  });
}

/** The address of a subnet that no pod gets: that of the Service `kubernetes`, where nothing answers. */
export const reservedAddress = (subnet: string): string => format(rangeOf(subnet).last - 1);

/**
 * The IPv6 address that goes with an IPv4 one: it has the same place in `subnet6` (`fd00::/64`) as `ip` has in `subnet`,
 * so that it is free when the other is, and told apart by eye: `10.89.0.5` and `fd00::5`. Kind `invalid` when it is no subnet.
 */
export function addressBeside(ip: string, { subnet, subnet6 }: { readonly subnet: string; readonly subnet6: string }): string {
  const prefix = /^([0-9a-f:]+::)\/64$/.exec(subnet6)?.[1];
  if (prefix === undefined) return fail("invalid", `Cannot read "${subnet6}" as a subnet: it must be an IPv6 address with 64 bits of prefix, such as fd00::/64`);
  const place = rangeOf(`${ip}/32`).first - rangeOf(subnet).first;
  const [high, low] = [Math.floor(place / 65536), place % 65536];
  return `${prefix}${high === 0 ? "" : `${high.toString(16)}:`}${low.toString(16)}`;
}

function rangeOf(subnet: string): { readonly first: number; readonly last: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(subnet);
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = (match ?? []).slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || prefix > 32) {
    return fail("invalid", `Cannot read "${subnet}" as a subnet: it must be an IPv4 address with a prefix length, such as 10.89.0.0/16`);
  }
  const size = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = address - (address % size);
  return { first, last: first + size - 1 };
}

const format = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
