/** IP addresses as text. `node:net` has the same, and takes half as long to load as a short command takes. */

const BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);

/** Four numbers without leading zeros. */
export const isIPv4 = (text: string): boolean => IPV4.test(text);

/** In any of its spellings (RFC 4291, section 2.2), with a zone (RFC 4007, section 11) or without. */
export function isIPv6(text: string): boolean {
  const [address = ""] = text.split("%", 1);
  const zone = text.slice(address.length);
  return zone !== "%" && !/\s/.test(zone) && /^[0-9a-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`);
}

export const isIP = (text: string): boolean => isIPv4(text) || isIPv6(text);
