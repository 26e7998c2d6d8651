import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { exec } from "../../src/base/exec.ts";
import { CHECKOUT } from "./sources.ts";

interface Commit {
  readonly id: string;
  readonly subject: string;
  readonly body: string;
}

const SUBJECT = /^(?<area>[a-z0-9.,/-]+( [a-z]+)?): (?<rest>[a-z0-9"'`].*[^.])$/;
const COLUMNS = 72;

async function commits(): Promise<readonly Commit[]> {
  const { stdout } = await exec(["git", "-c", `safe.directory=${CHECKOUT}`, "-C", CHECKOUT, "log", "--no-merges", "--format=%H%x1f%s%x1f%b%x1e"]);
  return stdout.split("\x1e").map((record) => record.trim()).filter((record) => record !== "").map((record) => {
    const [id = "", subject = "", body = ""] = record.split("\x1f");
    return { id, subject, body: body.trim() };
  });
}

/** What is wrong with a message; undefined when nothing is. */
export function wrong({ subject, body }: Pick<Commit, "subject" | "body">): string | undefined {
  if (!SUBJECT.test(subject)) return "the subject should be `area: imperative sentence` without a final period";
  if (subject.length > COLUMNS) return `the subject has ${subject.length} columns, should have at most ${COLUMNS}`;
  if (body === "") return "the body should say what was missing and why it is done this way";
  return undefined;
}

describe("commits", () => {
  test("wrong() refuses what a reader would miss", () => {
    expect(wrong({ subject: "state: keep events", body: "They were lost." })).toBeUndefined();
    expect(wrong({ subject: "Keep events", body: "They were lost." })).toContain("area");
    expect(wrong({ subject: "state: keep events.", body: "They were lost." })).toContain("period");
    expect(wrong({ subject: `state: ${"x".repeat(80)}`, body: "They were lost." })).toContain("columns");
    expect(wrong({ subject: "state: keep events", body: "" })).toContain("body");
  });

  test.skipIf(!existsSync(`${CHECKOUT}/.git`))("messages say where, what and why", async () => {
    const found = (await commits()).flatMap((commit) => {
      const why = wrong(commit);
      return why === undefined ? [] : [`${commit.id} ${commit.subject}: ${why}`];
    });
    expect(found).toEqual([]);
  });
});
