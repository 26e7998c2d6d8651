import { expect, test } from "bun:test";
import { escapeName, escapePath, unescapeName, unescapePath } from "./escape.ts";

const ESCAPED: readonly (readonly [text: string, name: string, path: string | undefined])[] = [
  ["/srv/shop.yaml", "-srv-shop.yaml", "srv-shop.yaml"],
  ["/srv/my-shop.yaml", "-srv-my\\x2dshop.yaml", "srv-my\\x2dshop.yaml"],
  ["/srv/a b/c.yaml", "-srv-a\\x20b-c.yaml", "srv-a\\x20b-c.yaml"],
  ["/srv/ü.yaml", "-srv-\\xc3\\xbc.yaml", "srv-\\xc3\\xbc.yaml"],
  ['/srv/%i $x "q"', "-srv-\\x25i\\x20\\x24x\\x20\\x22q\\x22", "srv-\\x25i\\x20\\x24x\\x20\\x22q\\x22"],
  ["/srv/back\\slash", "-srv-back\\x5cslash", "srv-back\\x5cslash"],
  ["/srv/a:b_c@d", "-srv-a:b_c\\x40d", "srv-a:b_c\\x40d"],
  ["/.hidden", "-.hidden", "\\x2ehidden"],
  ["/srv//x/", "-srv--x-", "srv-x"],
  ["/srv/./x", "-srv-.-x", "srv-x"],
  ["/srv/../x", "-srv-..-x", undefined],
  ["/", "-", "-"],
  ["-", "\\x2d", "\\x2d"],
  [".hidden", "\\x2ehidden", "\\x2ehidden"],
];

test.each(ESCAPED)("escapeName() and escapePath() of %s", (text, name, path) => {
  expect(escapeName(text)).toBe(name);
  if (path === undefined) expect(() => escapePath(text)).toThrow('it holds "..", it should be a normalized path');
  else expect(escapePath(text)).toBe(path);
});

test.each(ESCAPED)("unescapeName() takes escapeName() of %s back", (text) => {
  expect(unescapeName(escapeName(text))).toBe(text);
});

const UNESCAPED: readonly (readonly [escaped: string, name: string | undefined, path: string | undefined])[] = [
  ["-srv-shop.yaml", "/srv/shop.yaml", undefined],
  ["srv-shop.yaml", "srv/shop.yaml", "/srv/shop.yaml"],
  ["srv-\\xC3\\xbc", "srv/ü", "/srv/ü"],
  ["-", "/", "/"],
  ["\\x2d", "-", "/-"],
  ["srv--x", "srv//x", undefined],
  ["srv-", "srv/", undefined],
  ["srv-..-x", "srv/../x", undefined],
  ["srv-.-x", "srv/./x", undefined],
  ["a b", "a b", "/a b"],
  ["\\x2", undefined, undefined],
  ["\\q", undefined, undefined],
  ["a\\", undefined, undefined],
];

test.each(UNESCAPED)("unescapeName() and unescapePath() of %s", (escaped, name, path) => {
  for (const [unescape, expected] of [[unescapeName, name], [unescapePath, path]] as const) {
    if (expected === undefined) expect(() => unescape(escaped)).toThrow("it should be text that systemd-escape wrote");
    else expect(unescape(escaped)).toBe(expected);
  }
});

test.each(["\\x00", "\\xff"])("unescapeName() refuses %s, which no path of UTF-8 text holds", (escaped) => {
  expect(() => unescapeName(escaped)).toThrow("Cannot unescape");
});

/** What the real tool prints, or undefined when it refuses. */
function systemdEscape(...args: readonly string[]): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(["systemd-escape", ...args]);
  return exitCode === 0 ? stdout.toString().replace(/\n$/, "") : undefined;
}

test.skipIf(Bun.which("systemd-escape") === null)("escapeName(), escapePath() and their inverses agree with systemd-escape(1), when it is installed", () => {
  expect(ESCAPED.map(([text]) => [text, systemdEscape("--", text), systemdEscape("--path", "--", text)])).toEqual(ESCAPED.map((row) => [...row]));
  expect(UNESCAPED.map(([text]) => [text, systemdEscape("-u", "--", text), systemdEscape("-u", "--path", "--", text)])).toEqual(UNESCAPED.map((row) => [...row]));
});
