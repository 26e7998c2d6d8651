/** Kubernetes quantities (apimachinery `resource.Quantity`): `500m`, `0.5`, `64Mi`, `1e3`, `2G`. */
import { fail } from "../base/errors.ts";

const BINARY: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i)|[eE]([+-]?\d+)|([numkMGTPE]?))$/;

/** The value of a quantity in its base unit (bytes, cores). Fails with kind `invalid`. */
export function parseQuantity(text: string): number {
  const match = FORM.exec(text);
  if (match === null) fail("invalid", `Cannot read "${text}" as a quantity: it must be a number with an optional suffix such as 500m, 64Mi or 2G`);
  const [, sign, digits, binary, exponent, decimal] = match;
  const scale = binary !== undefined ? 1024 ** (BINARY[binary] ?? 0) : 10 ** Number(exponent ?? DECIMAL[decimal ?? ""] ?? 0);
  return (sign === "-" ? -1 : 1) * Number(digits) * scale;
}

/** Whole bytes, rounded up. */
export const bytesOf = (text: string): number => Math.ceil(roundOff(parseQuantity(text)));
/** Thousandths of a core, rounded up, as the kubelet does. */
export const milliCpuOf = (text: string): number => Math.ceil(roundOff(parseQuantity(text) * 1000));

/** Takes the binary fraction's noise away (0.1 * 1000 * …) before rounding up. */
const roundOff = (value: number): number => Number(value.toPrecision(15));
