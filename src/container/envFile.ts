/**
 * Files of variables, as `fileKeyRef` reads them: the part of a POSIX shell's syntax that Kubernetes defines ("Env file
 * syntax"). `NAME='value'`, blanks around `=` and before the name, `#` comments at the beginning of a line; a value is
 * taken as it is, also over several lines.
 */
import { fail } from "../base/errors.ts";

const LINE = /[ \t]*(?:#[^\n]*|([^\s=#'"][^\s='"]*)[ \t]*=[ \t]*'([^']*)'[ \t]*|)(?:\n|$)/y;

/** The value of a variable, the last one when it is given twice; undefined when it is not. Kind `invalid` for other text. */
export function envFileValue(text: string, key: string): string | undefined {
  const normal = text.replaceAll("\r\n", "\n");
  const line = new RegExp(LINE);
  let found: string | undefined;
  while (line.lastIndex < normal.length) {
    const at = line.lastIndex;
    const match = line.exec(normal);
    if (match === null) fail("invalid", `Cannot read a file of variables: line ${normal.slice(0, at).split("\n").length} is not of the form NAME='value'`);
    if (match[1] === key) found = match[2];
  }
  return found;
}
