/** Times as people write and read them. Milliseconds everywhere. */
import { fail } from "../base/errors.ts";

/** A span as kubectl prints ages (apimachinery `HumanDuration`): `5s`, `3m20s`, `5h2m`, `2d`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return pair(`${minutes}m`, `${seconds % 60}s`);
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return pair(`${hours}h`, `${minutes % 60}m`);
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return pair(`${days}d`, `${hours % 24}h`);
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(`${years}y`, `${days % 365}d`) : `${years}y`;
}

const pair = (high: string, low: string): string => (low.startsWith("0") ? high : high + low);

/** Age of something made at `since`; `<unknown>` when that is 0. */
export const age = (since: number, now: number): string => (since === 0 ? "<unknown>" : humanDuration(now - since));

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads a duration as Go writes them (`time.ParseDuration`): `5m`, `1h30m`, `1.5s`, `0`. Fails with kind `usage`. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) fail("usage", `Cannot read "${text}" as a duration: it must be like 30s, 5m or 1h30m`);
  return [...text.matchAll(/([\d.]+)([a-zµ]+)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** A whole number of an option, -1 included. Fails with kind `usage`. */
export function parseCount(text: string, option: string): number {
  if (!/^(-1|\d+)$/.test(text)) fail("usage", `Cannot use "${text}" for option "--${option}": it must be a whole number, or -1 for all`);
  return Number(text);
}
