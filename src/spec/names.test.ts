import { describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import { containerId, containerName, namespace, newContainerId, newPodUid, podName, podUid, serviceName, serviceNameOf } from "./names.ts";

const LONG = "a".repeat(63);
const PARSERS: readonly { readonly name: string; readonly parse: (text: string) => string; readonly good: readonly string[]; readonly bad: readonly string[] }[] = [
  ...[{ name: "serviceName", parse: serviceName }, { name: "namespace", parse: namespace }, { name: "containerName", parse: containerName }].map((entry) => ({
    ...entry,
    good: ["a", "0", "a-b", "a--b", LONG],
    bad: ["", "-a", "a-", "A", "a.b", "a_b", "a\n", " a", "ä", `${LONG}a`],
  })),
  { name: "podName", parse: podName, good: ["a", "a.b-c.0", `${LONG}.${LONG}`, "a".repeat(253)], bad: ["", ".a", "a.", "a..b", "-a.b", "a-.b", "A", "a\n", "a".repeat(254), `${"a.".repeat(126)}aa`] },
  { name: "podUid", parse: podUid, good: ["0c6a8f9e-1111-4222-8333-0123456789ab"], bad: ["", "0C6A8F9E-1111-4222-8333-0123456789AB", "0c6a8f9e111142228333-0123456789ab", "0c6a8f9e-1111-4222-8333-0123456789ab\n"] },
  { name: "containerId", parse: containerId, good: ["0123456789abcdef".repeat(4)], bad: ["", "abc", "0123456789ABCDEF".repeat(4), "g".repeat(64)] },
];

for (const { name, parse, good, bad } of PARSERS) {
  describe(name, () => {
    for (const text of good) test(`${name} accepts ${JSON.stringify(text.slice(0, 20))} (${text.length})`, () => expect(parse(text)).toBe(text));
    for (const text of bad) test(`${name} refuses ${JSON.stringify(text.slice(0, 20))} (${text.length})`, () => expect(() => parse(text)).toThrow(WherryError));
  });
}

test("podName answers quickly for long text that is nearly a name", () => {
  const start = performance.now();
  expect(() => podName(`${"a-".repeat(200_000)}.`)).toThrow(WherryError);
  expect(performance.now() - start).toBeLessThan(500);
});

describe("newPodUid", () => {
  test("newPodUid makes a new uid every time", () => expect(newPodUid()).not.toBe(newPodUid()));
});

describe("newContainerId", () => {
  test("newContainerId makes a new id every time", () => expect(newContainerId()).not.toBe(newContainerId()));
});

describe("serviceNameOf", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["shop.yaml", "shop"], ["/srv/My_Shop.YML", "my-shop"], ["~/a.b.json", "a-b"], ["-", "stdin"], ["", "stdin"], [".yaml", "stdin"], ["läden.yaml", "l-den"],
    [`${"x".repeat(62)}-y.yaml`, "x".repeat(62)], ["shop", "shop"], ["--a--.yaml", "a"],
  ];
  for (const [file, name] of rows) test(`serviceNameOf names "${file.slice(0, 20)}" ${name.slice(0, 20)}`, () => expect<string>(serviceNameOf(file)).toBe(name));
});
