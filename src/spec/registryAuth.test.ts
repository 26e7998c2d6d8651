import { describe, expect, test } from "bun:test";
import { credentialsFor, credentialsIn, type Credential } from "./registryAuth.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const JSON_TYPE = "kubernetes.io/dockerconfigjson";
const secret = (value: unknown, type = JSON_TYPE) => ({ type, data: { [type === JSON_TYPE ? ".dockerconfigjson" : ".dockercfg"]: base64(typeof value === "string" ? value : JSON.stringify(value)) } });

describe("credentialsIn()", () => {
  const me: Credential = { registry: "r.example", username: "me", password: "se:cret" };
  const good: readonly (readonly [string, ReturnType<typeof secret>, readonly Credential[]])[] = [
    ["auth in base64", secret({ auths: { "r.example": { auth: base64("me:se:cret") } } }), [me]],
    ["auth without padding, over the fields", secret({ auths: { "r.example": { auth: base64("me:se:cret").replace(/=+$/, ""), username: "you", password: "x" } } }), [me]],
    ["user and password", secret({ auths: { "https://r.example/v2/": { username: "me", password: "se:cret", email: "me@r.example" } } }), [me]],
    ["a path", secret({ auths: { "https://r.example/team/": { username: "me", password: "se:cret" } } }), [{ ...me, registry: "r.example/team" }]],
    ["the old form", secret({ "r.example": { auth: base64("me:se:cret") } }, "kubernetes.io/dockercfg"), [me]],
    ["an entry that says nothing", secret({ auths: { "r.example": {} }, credsStore: "desktop" }), []],
    ["a Secret of another type", { type: "Opaque", data: { ".dockerconfigjson": "e30=" } }, []],
  ];
  for (const [what, given, credentials] of good) test(`credentialsIn() reads ${what}`, () => expect(credentialsIn(given)).toEqual(credentials));

  const bad: readonly (readonly [string, unknown])[] = [
    ["the whole is not JSON", "hunter2"],
    ["the whole is not a mapping", ["hunter2"]],
    ['"auths" is not a mapping', { "r.example": { auth: "hunter2" } }],
    ['the entry of registry "r.example" is not a mapping', { auths: { "r.example": "hunter2" } }],
    ['"password" of registry "r.example" is not text', { auths: { "r.example": { username: "me", password: 4711 } } }],
    ['"auth" of registry "r.example" is not user:password in base64', { auths: { "r.example": { auth: base64("hunter2") } } }],
    ['"auth" of registry "r.example" is not user:password in base64', { auths: { "r.example": { auth: "me:hunter2" } } }],
  ];
  for (const [why, value] of bad) {
    test(`credentialsIn() refuses and does not show: ${why}`, () => {
      expect(() => credentialsIn(secret(value))).toThrow(`Cannot read registry credentials: ${why}`);
    });
  }
});

describe("credentialsFor()", () => {
  const of = (...registries: readonly string[]): readonly Credential[] => registries.map((registry, index) => ({ registry, username: `user${index}`, password: "x" }));
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["r.example/team/app", ["r.example", "other.example"], ["user0"]],
    ["r.example/team/app", ["r.example", "r.example/team", "r.example/other"], ["user1", "user0"]],
    ["r.example:5000/app", ["r.example", "r.example:5000"], ["user1"]],
    ["a.r.example/app", ["*.r.example", "*.example", "?.r.example"], ["user2", "user0"]],
    ["a.r.example:5000/app", ["*.r.example", "*.r.example:5000", "*.r.*"], ["user1"]],
    ["docker.io/library/nginx", ["index.docker.io", "docker.io/library", "quay.io"], ["user0", "user1"]],
    ["r.example/app", ["rxexample", ""], []],
  ];
  for (const [image, registries, users] of cases) {
    test(`credentialsFor() ${image} takes ${users.join(", ") || "none"} of ${registries.join(" ")}`, () => expect(credentialsFor(image, of(...registries)).map(({ username }) => username)).toEqual([...users]));
  }

  test("credentialsFor() takes what several Secrets say for one registry in turn, each once", () => {
    const [one, two] = [{ registry: "r.example", username: "a", password: "1" }, { registry: "r.example", username: "a", password: "2" }];
    expect(credentialsFor("r.example/app", [one, two, one])).toEqual([one, two]);
  });
});
