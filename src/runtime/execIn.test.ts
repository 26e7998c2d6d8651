import { expect, test } from "bun:test";
import { refusal } from "./execIn.ts";

test("refusal() says with a shell's status why the runtime could not start a process", () => {
  const table: readonly (readonly [string, number])[] = [
    ["executable file `nope` not found in $PATH: No such file or directory", 127],
    ['{"level":"error","msg":"exec failed: unable to start container process: exec: \\"nope\\": executable file not found in $PATH"}', 127],
    ["open executable: Permission denied", 126],
    ["open executable: Operation not permitted", 126],
    ["exec: Exec format error", 126],
    ["", 255],
    ["something else", 255],
  ];
  for (const [log, status] of table) expect([log, refusal(log)]).toEqual([log, status]);
});
