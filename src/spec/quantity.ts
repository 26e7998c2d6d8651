/** Kubernetes quantities (apimachinery `resource.Quantity`): `500m`, `0.5`, `64Mi`, `1e3`, `2G`. */
import { fail } from "../base/errors.ts";

const BINARY: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const FORM = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|[eE]([+-]?\d+)|([numkMGTPE]?))$/;
/** Longer numbers mean nothing that fits into 64 bits, and take time. */
const LENGTH_MAX = 64;
const EXPONENT_MAX = 64;
const LIMIT = 2n ** 63n;

/** An exact value. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The value of a quantity in its base unit (bytes, cores). Fails with kind `invalid`: no quantity, or 2^63 and more. */
export function parseQuantity(text: string): number {
  const { numerator, denominator } = exactly(text);
  const whole = numerator / denominator;
  return numerator % denominator === 0n ? Number(whole) : Number(numerator) / Number(denominator);
}

/** Whole bytes, rounded up. Exact to 2^53, as numbers are. */
export const bytesOf = (text: string): number => roundedUp(exactly(text), 1n);
/** Thousandths of a core, rounded up, as the kubelet does. */
export const milliCpuOf = (text: string): number => roundedUp(exactly(text), 1000n);

/** How many divisors a quantity holds, rounded up; a divisor of 0 is 1, as in the downward API. */
export function ceilingOf(text: string, divisor: string): number {
  const by = exactly(divisor);
  const { numerator, denominator } = exactly(text);
  if (by.numerator === 0n) return roundedUp({ numerator, denominator }, 1n);
  return roundedUp({ numerator: numerator * by.denominator, denominator: denominator * by.numerator }, 1n);
}

function roundedUp({ numerator, denominator }: Fraction, factor: bigint): number {
  const scaled = numerator * factor;
  const whole = scaled / denominator;
  return Number(scaled > 0n && scaled % denominator !== 0n ? whole + 1n : whole);
}

function exactly(text: string): Fraction {
  const match = text.length > LENGTH_MAX ? null : FORM.exec(text);
  const [, sign = "", digits = "", decimals = "", binary, exponent, suffix = ""] = match ?? [];
  const power = Number(exponent ?? DECIMAL[suffix] ?? 0) - decimals.length;
  if (match === null || Math.abs(power) > EXPONENT_MAX + LENGTH_MAX) refuse(text, "it must be a number with an optional suffix such as 500m, 64Mi or 2G");
  const scale = (binary === undefined ? 1n : 1024n ** (BINARY[binary] ?? 0n)) * 10n ** BigInt(Math.max(power, 0));
  const numerator = BigInt(`${digits}${decimals}`) * scale * (sign === "-" ? -1n : 1n);
  const denominator = 10n ** BigInt(Math.max(-power, 0));
  if (numerator >= LIMIT * denominator || -numerator >= LIMIT * denominator) refuse(text, "it must be less than 2^63");
  return { numerator, denominator };
}

function refuse(text: string, rule: string): never {
  fail("invalid", `Cannot read ${JSON.stringify(text.slice(0, LENGTH_MAX))} as a quantity: ${rule}`);
}
