/** The keys that end `attach` and leave the container running, in podman's and docker's words: `ctrl-p,ctrl-q`. */
import { fail } from "../base/errors.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** Control characters beside the letters, by the key that is pressed with Ctrl (ascii(7)). */
const CONTROLS: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** The bytes of the keys; empty text means none. Fails with kind `usage`. */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text === "" ? [] : text.split(",").map((key) => byteOf(key, text)));
}

function byteOf(key: string, text: string): number {
  const controlled = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1]?.toLowerCase();
  if (controlled !== undefined) return CONTROLS[controlled] ?? controlled.charCodeAt(0) - 0x60;
  if (/^[!-~]$/.test(key)) return key.charCodeAt(0);
  return fail("usage", `Cannot use "${text}" as detach keys: "${key}" must be one character, or ctrl- and a letter or one of @ [ \\ ] ^ _`);
}

/**
 * Input without the keys: what may be their beginning is held back until the next key tells. Ends when they were all
 * pressed; `true` is returned then, `false` when the input has ended before.
 */
export async function* untilDetached(input: AsyncIterable<Uint8Array>, keys: Uint8Array): AsyncGenerator<Uint8Array, boolean> {
  let held = 0;
  for await (const chunk of input) {
    const passed: number[] = [];
    for (const byte of chunk) {
      if (keys.length > 0 && byte === keys[held]) {
        held += 1;
        if (held < keys.length) continue;
        if (passed.length > 0) yield Uint8Array.from(passed);
        return true;
      }
      passed.push(...keys.subarray(0, held));
      held = byte === keys[0] && keys.length > 1 ? 1 : 0;
      if (held === 0) passed.push(byte);
    }
    if (passed.length > 0) yield Uint8Array.from(passed);
  }
  if (held > 0) yield keys.slice(0, held);
  return false;
}
