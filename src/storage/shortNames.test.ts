import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { scratch } from "./fixtures.ts";
import { parseShortNames, resolveName, resolveShort, type ShortNames } from "./shortNames.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const names = (change: Partial<ShortNames> = {}): ShortNames => ({ aliases: new Map([["fedora", "registry.fedoraproject.org/fedora"]]), search: [], mode: "permissive", ...change });

test.each([
  ["nginx", names(), ["localhost/nginx:latest", "docker.io/library/nginx:latest"]],
  ["team/app:2", names(), ["localhost/team/app:2", "docker.io/team/app:2"]],
  ["nginx:1", names({ search: ["quay.io", "docker.io"] }), ["localhost/nginx:1", "quay.io/nginx:1", "docker.io/library/nginx:1"]],
  ["nginx:1", names({ search: ["quay.io"], mode: "enforcing" }), ["localhost/nginx:1", "quay.io/nginx:1"]],
  ["fedora:40", names({ search: ["quay.io"] }), ["localhost/fedora:40", "registry.fedoraproject.org/fedora:40"]],
  [`fedora@${DIGEST}`, names(), [`localhost/fedora@${DIGEST}`, `registry.fedoraproject.org/fedora@${DIGEST}`]],
])("resolveShort() of %p by %p is %p", (text, files, expected) => {
  expect(resolveShort(text, text.replace(/[:@].*$/, ""), files)).toEqual(expected);
});

test("resolveShort() refuses to choose between registries when registries.conf says so", () => {
  expect(() => resolveShort("nginx", "nginx", names({ search: ["a.io", "b.io"], mode: "enforcing" }))).toThrow("names several registries (a.io, b.io)");
});

test("resolveName() reads no file for a full name or an id", () => {
  const nowhere = { CONTAINERS_REGISTRIES_CONF: "/dev/null/x" };
  expect(resolveName("quay.io/a/b", nowhere)).toEqual(["quay.io/a/b:latest"]);
  expect(resolveName("a".repeat(64), nowhere)).toEqual([DIGEST]);
});

test("resolveName() reads the file that the environment names", () => {
  using at = scratch();
  writeFileSync(`${at.path}/r.conf`, 'unqualified-search-registries = ["my.io"]\n[aliases]\n"wherry-test" = "other.io/x/y"\n');
  const environment = { CONTAINERS_REGISTRIES_CONF: `${at.path}/r.conf`, HOME: at.path };
  expect(resolveName("wherry-other", environment)).toEqual(["localhost/wherry-other:latest", "my.io/wherry-other:latest"]);
  expect(resolveName("wherry-test:3", environment)).toEqual(["localhost/wherry-test:3", "other.io/x/y:3"]);
});

test("parseShortNames() names the file that is not TOML", () => {
  expect(() => parseShortNames("= nonsense", "/etc/containers/registries.conf")).toThrow('Cannot read "/etc/containers/registries.conf": it is not TOML');
});
