import { describe, expect, test } from "bun:test";
import { chooseInstance, type Instance, parseManifest, platformText } from "./manifest.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const instance = (digit: string, text?: string): Instance => {
  const [os = "", architecture = "", variant] = text?.split("/") ?? [];
  return { digest: digest(digit), ...(text === undefined ? {} : { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } }) };
};

describe("parseManifest()", () => {
  test("parseManifest() reads OCI and Docker schema 2, which have the same fields", () => {
    const text = JSON.stringify({ schemaVersion: 2, config: { digest: digest("c"), size: 3 }, layers: [{ digest: digest("1"), size: 10 }, { digest: digest("2") }] });
    expect(parseManifest(text)).toEqual({ kind: "image", config: { digest: digest("c"), size: 3 }, layers: [{ digest: digest("1"), size: 10 }, { digest: digest("2"), size: 0 }] });
  });

  test("parseManifest() reads an index, with and without platforms", () => {
    const manifests = [{ digest: digest("1"), platform: { os: "linux", architecture: "arm", variant: "v7" } }, { digest: digest("2") }];
    expect(parseManifest(JSON.stringify({ schemaVersion: 2, manifests }))).toEqual({ kind: "index", instances: [instance("1", "linux/arm/v7"), instance("2")] });
  });

  test.each([
    ["not JSON", "not JSON"],
    ['{"schemaVersion":1,"fsLayers":[]}', "schema 1"],
    ['{"schemaVersion":2}', "no configuration and layers"],
    ['{"schemaVersion":2,"config":{"digest":"sha256:../../etc"},"layers":[]}', "as a digest"],
    [`{"schemaVersion":2,"config":{"digest":"${digest("c")}"},"layers":["x"]}`, "a layer must be an object"],
  ])("parseManifest() refuses %p", (text, why) => {
    expect(() => parseManifest(text)).toThrow(why);
  });
});

const ALL = [instance("1", "linux/amd64"), instance("2", "linux/arm64/v8"), instance("3", "linux/arm/v6"), instance("4", "linux/arm/v7"), instance("5", "windows/amd64"), instance("6")];

test.each([
  ["linux/amd64", "1"],
  ["linux/arm64", "2"],
  ["linux/arm64/v8", "2"],
  ["linux/arm", "4"],
  ["linux/arm/v7", "4"],
  ["linux/arm/v6", "3"],
  ["linux/arm/v5", undefined],
  ["windows/amd64", "5"],
  ["linux/riscv64", undefined],
])("chooseInstance() for %s is %p", (text, digit) => {
  const { platform } = instance("0", text);
  if (platform === undefined) throw new Error("a platform is given");
  expect(chooseInstance(ALL, platform)?.digest).toBe(digit === undefined ? undefined : digest(digit));
  expect(platformText(platform)).toBe(text);
});
