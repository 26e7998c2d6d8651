/** Lines out of bytes that come in pieces. */
import { fail } from "./errors.ts";

/** Longer lines are refused. */
const LENGTH_MAX = 16 * 1024 * 1024;

/** Cuts a byte stream into lines, without the empty ones. `from` is where it comes from, for the error of a line longer than 16 MiB. */
export function lineReader(from: string, onLine: (line: string) => void): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LENGTH_MAX) fail("failed", `Cannot read from ${from}: a line is longer than 16 MiB`);
    for (const line of lines) if (line !== "") onLine(line);
  };
}
