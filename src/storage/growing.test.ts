import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { scratch } from "./fixtures.ts";
import { openGrowing } from "./growing.ts";

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  return text;
}

test("openGrowing() reads what is written until the file is whole, whatever it is called by then", async () => {
  using at = scratch();
  writeFileSync(`${at.path}/partial`, "one ");
  using file = openGrowing(`${at.path}/partial`);
  const text = textOf(file.bytes());
  for (const word of ["two ", "three"]) {
    appendFileSync(`${at.path}/partial`, word);
    file.grew();
    await Bun.sleep(1);
  }
  renameSync(`${at.path}/partial`, `${at.path}/whole`);
  file.whole();
  expect(await text).toBe("one two three");
  expect([file.position(), readFileSync(file.path, "utf8")]).toEqual([13, "one two three"]);
});

test("Growing.has() waits for bytes, and for the end when there are fewer", async () => {
  using at = scratch();
  writeFileSync(`${at.path}/f`, "");
  using file = openGrowing(`${at.path}/f`);
  const has = file.has(3);
  appendFileSync(`${at.path}/f`, "abc");
  file.grew();
  expect(await has).toBe(true);
  const more = file.has(100);
  file.whole();
  expect(await more).toBe(true);
});

test("Growing.bytes() fails when the file never becomes whole, and whole is not taken back", async () => {
  using at = scratch();
  writeFileSync(`${at.path}/f`, "abc");
  using file = openGrowing(`${at.path}/f`);
  const lost = textOf(file.bytes());
  await Bun.sleep(1);
  file.lost();
  await expect(lost).rejects.toThrow("it has not come whole");
  expect(await file.has(1)).toBe(false);
  using other = openGrowing(`${at.path}/f`);
  other.whole();
  other.lost();
  expect(await textOf(other.bytes())).toBe("abc");
});
