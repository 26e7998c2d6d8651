/** For tests: what a terminal shows after some output, as far as the program moves its cursor. */

/** The lines of a terminal of this size, from its first to the last one that has text. Lines that have scrolled out are gone. */
export function showOn({ columns, rows }: { readonly columns: number; readonly rows: number }, output: string): readonly string[] {
  const lines: string[] = [""];
  let [row, column] = [0, 0];
  const newLine = (): void => {
    if (row === rows - 1) lines.shift();
    else row += 1;
    lines[row] ??= "";
  };
  for (const [whole, count, action] of output.matchAll(/\x1b\[\??(\d*)([A-Za-z])|[^\x1b]/gu)) {
    if (action === "A") row = Math.max(0, row - Number(count || 1));
    else if (action === "K") lines[row] = lines[row]?.slice(0, column) ?? "";
    else if (action === "J") lines.splice(row + 1, Infinity, ...((lines[row] = lines[row]?.slice(0, column) ?? ""), []));
    else if (whole === "\r") column = 0;
    else if (whole === "\n") newLine();
    else if (action === undefined) {
      if (column === columns) [column] = [0, newLine()];
      lines[row] = (lines[row] ?? "").padEnd(column).slice(0, column) + whole + (lines[row] ?? "").slice(column + 1);
      column += 1;
    }
  }
  return lines.map((line) => line.trimEnd()).slice(0, lines.findLastIndex((line) => line.trim() !== "") + 1);
}
