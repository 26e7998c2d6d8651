import { expect, test } from "bun:test";
import { resolve } from "node:path";

test("FIELDS is what tools/generate-fields.ts writes", () => {
  const tool = resolve(import.meta.dir, "../../../tools/generate-fields.ts");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, tool, "--check"]);
  expect(`${exitCode} ${stderr.toString()}`).toBe("0 ");
});
