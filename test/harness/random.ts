/** Numbers and bytes that a seed repeats. */

/** Draws whole numbers from 0 to below `limit`. */
export type Draw = (limit: number) => number;

/** Mulberry32: small, and good enough for test content. */
export function drawing(seed: number): Draw {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Bytes that do not compress. */
export function noise(draw: Draw, length: number): Uint8Array {
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => draw(2 ** 32));
  return new Uint8Array(words.buffer, 0, length);
}
