import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { FIELDS } from "../generated/fields.ts";
import { KINDS } from "../objects.ts";
import type { Row } from "./row.ts";
import { rowOf, TABLE } from "./table.ts";

const CHECKOUT = resolve(import.meta.dir, "../../..");

/** Every field that a manifest can reach: below a field without effect, or one that is refused, nothing is looked at. */
function reachable(): readonly { readonly type: string; readonly field: string; readonly row: Row | undefined }[] {
  const seen = new Set<string>(["List", ...KINDS]);
  const found: { type: string; field: string; row: Row | undefined }[] = [];
  for (const type of seen) {
    for (const [field, reference] of Object.entries(FIELDS[type] ?? {})) {
      const row = rowOf(type, field);
      found.push({ type, field, row });
      const target = reference.replace(/\[\]|\{\}/g, "");
      const closed = row?.effect === "none" || (row?.effect === "refused" && !row.what.startsWith("not yet: "));
      if (!closed && Object.hasOwn(FIELDS, target)) seen.add(target);
    }
  }
  return found;
}

test("TABLE has a row for every field of the API that a manifest can reach", () => {
  expect(reachable().filter(({ row }) => row === undefined).map(({ type, field }) => `${type}.${field}`)).toEqual([]);
});

test("TABLE has no row for what the API does not have or nothing leads to", () => {
  const known = new Set(reachable().map(({ type, field }) => `${type}.${field}`));
  const rows = Object.entries(TABLE).flatMap(([type, fields]) => Object.keys(fields).map((field) => `${type}.${field}`));
  expect(rows.filter((row) => !known.has(row))).toEqual([]);
});

test("TABLE names tests that exist", () => {
  const tests = new Set(Object.values(TABLE).flatMap((fields) => Object.values(fields).flatMap((row) => (row.effect === "runs" ? [row.test] : []))));
  expect([...tests].filter((path) => !existsSync(`${CHECKOUT}/${path}`))).toEqual([]);
});

test("docs/kubernetes.md is what tools/generate-kubernetes-doc.ts writes", () => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, `${CHECKOUT}/tools/generate-kubernetes-doc.ts`, "--check"]);
  expect(`${exitCode} ${stderr.toString()}`).toBe("0 ");
});
