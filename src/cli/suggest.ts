/** "Did you mean": the known word nearest to a mistyped one. */

/** The nearest of `known` within a third of the word's length (at least one edit), or undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const bound = Math.max(1, Math.floor(word.length / 3));
  const ranked = known.map((each) => ({ each, distance: distance(word, each) })).toSorted((one, other) => one.distance - other.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= bound) return best.each;
  return word.length < 3 ? undefined : known.find((each) => each.startsWith(word));
}

/** A hint in words, as an object to spread into error options. */
export function didYouMean(word: string, known: readonly string[]): { readonly hint?: string } {
  const found = nearest(word, known);
  return found === undefined ? {} : { hint: `did you mean "${found}"?` };
}

/** Edits (insert, delete, replace, swap neighbours) between two words: optimal string alignment. */
function distance(one: string, other: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, other.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity;
