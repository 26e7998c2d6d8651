/**
 * Unit names and paths, as systemd-escape(1) writes them (systemd.unit(5), "String escaping for inclusion in unit
 * names"). Text is taken as UTF-8.
 */
import { fail } from "../base/errors.ts";

/** `systemd-escape TEXT`: `/` becomes `-`; what a unit name may not hold, and a leading dot, becomes `\xNN`. */
export function escapeName(text: string): string {
  return Array.from(Buffer.from(text), (byte, index) => escapeByte(byte, index === 0)).join("");
}

/** `systemd-escape --unescape TEXT`. Kind `invalid` when it was not made by escaping text. */
export function unescapeName(escaped: string): string {
  const pieces = escaped.split(/(\\(?:x[0-9a-fA-F]{2})?)/).map((piece) => {
    if (!piece.startsWith("\\")) return Buffer.from(piece.replaceAll("-", "/"));
    const byte = Number.parseInt(piece.slice(2), 16);
    return byte > 0 ? Buffer.from([byte]) : refuse(escaped); // a lone backslash is not a number
  });
  return decodeUtf8(Buffer.concat(pieces)) ?? refuse(escaped);
}

/** `systemd-escape --path PATH`, as mount units are named. Kind `invalid` when the path climbs with `..`. */
export function escapePath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) fail("invalid", `Cannot escape "${path}": it holds "..", it should be a normalized path`);
  return parts.length === 0 ? "-" : escapeName(parts.join("/"));
}

/** `systemd-escape --unescape --path TEXT`: an absolute path. Kind `invalid` when it was not made from a path. */
export function unescapePath(escaped: string): string {
  if (escaped === "-") return "/";
  const parts = unescapeName(escaped).split("/");
  if (parts.some((part) => ["", ".", ".."].includes(part))) refuse(escaped);
  return `/${parts.join("/")}`;
}

/** Bytes that a unit name holds as they are; besides, `/` is written as `-`. */
const PLAIN = /[0-9A-Za-z:_.]/;

function escapeByte(byte: number, isFirst: boolean): string {
  const character = String.fromCharCode(byte);
  if (character === "/") return "-";
  return PLAIN.test(character) && !(isFirst && character === ".") ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // the one error that decoding can throw
  }
}

function refuse(escaped: string): never {
  return fail("invalid", `Cannot unescape "${escaped}": it should be text that systemd-escape wrote`);
}
