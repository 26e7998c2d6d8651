import { describe, expect, test } from "bun:test";
import { counted } from "../../tools/test.ts";
import { eventually } from "./eventually.ts";
import { difference } from "./leaks.ts";
import { podText } from "./objects.ts";
import { unitOf } from "./units.ts";

describe("difference", () => {
  test("difference() names what is there now and was not, and the other way round", () => {
    expect(difference(["a", "b"], ["b", "c"])).toEqual({ left: ["c"], gone: ["a"] });
    expect(difference(["a"], ["a"])).toEqual({ left: [], gone: [] });
  });
});

describe("unitOf", () => {
  const CASES = [
    ["/srv/shop.yaml", "wherry@-srv-shop.yaml.service"],
    ["/srv/My Shop+v2.yaml", "wherry@-srv-My\\x20Shop\\x2bv2.yaml.service"],
    ["/a-b/c.yaml", "wherry@-a\\x2db-c.yaml.service"],
  ] as const;
  for (const [file, unit] of CASES) test(`unitOf("${file}") is what systemd-escape makes`, () => expect(unitOf(file)).toBe(unit));
});

describe("eventually", () => {
  test("eventually() returns the first success, and fails with the last error when the time is over", async () => {
    let calls = 0;
    expect(await eventually(async () => {
      calls += 1;
      if (calls < 3) throw new Error("not yet");
      return calls;
    }, { within: 1_000 })).toBe(3);
    await expect(eventually(async () => Promise.reject(new Error("never")), { within: 60 })).rejects.toThrow("never");
  });
});

describe("podText", () => {
  test("podText() puts further lines where they belong", () => {
    const text = podText("web", { script: "true", container: "env: []", spec: "hostNetwork: true" });
    expect(text).toContain("\n    env: []\n");
    expect(text).toContain("\n  hostNetwork: true\n");
    expect(text.trimEnd().split("\n").length).toBe(12);
  });
});

describe("counted", () => {
  test("counted() reads passed, skipped and failed cases of a JUnit report", () => {
    const report = `<testsuites><testsuite>
      <testcase name="a &quot;b&quot;" file="x.test.ts" />
      <testcase name="c" file="x.test.ts"><skipped /></testcase>
      <testcase name="d" file="y.test.ts"><failure message="no">no</failure></testcase>
    </testsuite></testsuites>`;
    expect(counted(report)).toEqual({ passed: 1, skipped: 1, failed: ["y.test.ts: d"] });
  });
});
