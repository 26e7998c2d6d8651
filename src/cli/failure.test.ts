import { describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import { problemsError } from "../kube/problems.ts";
import type { Context } from "./context.ts";
import { contextOf, type Surroundings } from "./context.ts";
import { printable, report } from "./failure.ts";
import { table } from "./print.ts";
import { stdinOf } from "./testing.ts";
import { engineOf } from "./wiring.ts";

/** A context whose outputs are kept. */
function kept(isTerminal: boolean): { readonly context: Context; readonly printed: { stdout: string; stderr: string } } {
  const printed = { stdout: "", stderr: "" };
  const writer = (to: "stdout" | "stderr"): Surroundings["stdout"] => ({ isTerminal, write: async (data) => ((printed[to] += String(data)), true) });
  const around: Surroundings = {
    env: {}, uid: 0, home: "/", cwd: "/", self: [], inside: false, enter: () => Promise.reject(new Error("not here")), stdout: writer("stdout"), stderr: writer("stderr"), stdin: stdinOf("", isTerminal),
    columns: () => 80, screen: () => ({ columns: 80, rows: 24 }), now: () => 0, node: () => ({ name: "", ip: "" }), interrupted: async () => {}, engine: engineOf,
  };
  return { context: contextOf(around, {}), printed };
}

describe("report", () => {
  test("report() prints sentence and hint, red on a terminal, and gives the exit code of the kind", async () => {
    const { context, printed } = kept(true);
    const codes = await Promise.all((["failed", "usage", "invalid", "conflict"] as const).map((kind) => report(context, new WherryError(kind, "Cannot x: y", { hint: "try z" }), { json: false })));
    expect(codes).toEqual([1, 2, 3, 125]);
    expect(printed.stderr.startsWith("\x1b[31mError:\x1b[0m Cannot x: y\nHint: try z\n")).toBe(true);
  });

  test("report() lists the problems of a manifest, and gives them as JSON", async () => {
    const problem = { file: "a.yaml", line: 1, column: 2, path: "spec", message: "is wrong", code: "value" };
    const error = new WherryError("invalid", 'Cannot use "a.yaml": it has 1 problem', { context: { problems: [problem] } });
    const { context, printed } = kept(false);
    await report(context, error, { json: false });
    expect(printed.stderr).toContain("\n  a.yaml:1:2");
    await report(context, error, { json: true });
    expect(JSON.parse(printed.stdout)).toEqual({ error: { kind: "invalid", code: "EINVALID", message: error.message, problems: [problem] } });
  });

  test("report() tells a problem that the message names already only once", async () => {
    const problem = { file: "a.yaml", line: 1, column: 2, path: "spec", message: "is wrong", code: "value" } as const;
    const { context, printed } = kept(false);
    await report(context, problemsError([problem]), { json: false });
    await report(context, problemsError([problem, { ...problem, line: 2 }]), { json: false });
    expect(printed.stderr).toBe('Error: Cannot use "a.yaml": a.yaml:1:2: spec: is wrong\nError: Cannot use "a.yaml": 2 problems\n  a.yaml:1:2: spec: is wrong\n  a.yaml:2:2: spec: is wrong\n');
  });

  test("report() shows a stack for a bug only", async () => {
    const { context, printed } = kept(false);
    expect(await report(context, new Error("oops"), { json: false })).toBe(1);
    expect(printed.stderr).toMatch(/^Error: Error: oops\n.*at /s);
  });
});

describe("printable", () => {
  test("printable() leaves nothing that a terminal would obey", () => {
    expect(printable("a\x1b[2Jb\nc\td\x07")).toBe("a�[2Jb\nc\td�");
  });
});

describe("table", () => {
  test("table() aligns by what is seen, hides wide columns, and cuts lines for a terminal", () => {
    const listing = { columns: [{ header: "NAME" }, { header: "WIDE", wide: true }, { header: "X" }], rows: [{ name: "", cells: ["日本", "w", "1"] }, { name: "", cells: ["a", "w", "two words"] }] };
    expect(table(listing)).toEqual(["NAME   X", "日本   1", "a      two words"]);
    expect(table(listing, { wide: true, width: 8 })).toEqual(["NAME   …", "日本   …", "a      …"]);
  });
});
