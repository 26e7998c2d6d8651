import { describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import type { Command, Row } from "./command.ts";
import { CONTAINER, NAMESPACE, output } from "./options.ts";
import { parse, resolve } from "./parse.ts";
import { nearest } from "./suggest.ts";

const command: Command = {
  options: [NAMESPACE, CONTAINER, output("json", "yaml"), { long: "stdin", short: "i", summary: "" }, { long: "tty", short: "t", summary: "" }, { long: "tail", value: "LINES", summary: "" }, { long: "env", value: "X", repeat: true, summary: "" }],
  words: [{ name: "POD" }, { name: "MORE", optional: true, repeat: true }],
  passthrough: true,
  run: () => ({ kind: "none" }),
};
const load = async (): Promise<Command> => command;
const TABLE: readonly Row[] = [
  { name: "get", summary: "", group: "objects", load },
  { name: "logs", aliases: ["pod logs"], summary: "", group: "objects", load },
  { name: "image ls", aliases: ["images"], summary: "", group: "images", load },
  { name: "image rm", summary: "", group: "images", load },
  { name: "version", summary: "", group: "other", load },
];
const failure = (action: () => unknown): string => {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof WherryError) return `${thrown.kind}: ${thrown.message}${thrown.hint === undefined ? "" : ` (${thrown.hint})`}`;
  }
  return "";
};

describe("resolve", () => {
  test.each([
    [["get", "pods"], "get", ["pods"]],
    [["-n", "shop", "get", "pods"], "get", ["-n", "shop", "pods"]],
    [["--root=/x", "--no-color", "get"], "get", ["--root=/x", "--no-color"]],
    [["image", "ls", "-q"], "image ls", ["-q"]],
    [["images"], "image ls", []],
    [["pod", "logs", "web"], "logs", ["web"]],
  ] as const)("resolve() of %p is %s", (argv, name, args) => {
    const found = resolve(argv, TABLE);
    expect(found.kind === "command" ? [found.row.name, found.args] : found.kind).toEqual([name, [...args]]);
  });

  test("resolve() shows help of the program or of a group, and says whether it was asked for", () => {
    expect(resolve([], TABLE)).toEqual({ kind: "help", group: "", missing: true });
    expect(resolve(["--help"], TABLE)).toEqual({ kind: "help", group: "", missing: false });
    expect(resolve(["image"], TABLE)).toEqual({ kind: "help", group: "image", missing: true });
    expect(resolve(["image", "--help"], TABLE)).toEqual({ kind: "help", group: "image", missing: false });
  });

  test("resolve() takes --version alone for the command", () => {
    expect(resolve(["--version"], TABLE)).toMatchObject({ kind: "command", row: { name: "version" }, args: [] });
  });

  test("resolve() refuses unknown commands with a suggestion", () => {
    expect(failure(() => resolve(["gte"], TABLE))).toBe('usage: Cannot run "gte": there is no such command (did you mean "get"?)');
    expect(failure(() => resolve(["image", "sl"], TABLE))).toBe('usage: Cannot run "image sl": there is no such command (did you mean "ls"?)');
    expect(failure(() => resolve(["xyzzy"], TABLE))).toBe('usage: Cannot run "xyzzy": there is no such command (see wherry help)');
  });
});

describe("parse", () => {
  test("parse() takes options anywhere, in every spelling, until --", () => {
    const input = parse(["-it", "web", "-c=nginx", "--tail", "-1", "-nshop", "--env", "a=1", "--env=b", "--", "sh", "-c", "x"], command);
    expect([input.words, input.rest]).toEqual([["web"], ["sh", "-c", "x"]]);
    expect([input.flag("stdin"), input.flag("tty"), input.text("container"), input.text("tail"), input.text("namespace"), input.texts("env")]).toEqual([true, true, "nginx", "-1", "shop", ["a=1", "b"]]);
    expect([parse(["web", "--tty=false"], command).flag("tty"), input.text("output")]).toEqual([false, undefined]);
  });

  test("parse() adds what follows -- to the words of other commands", () => {
    const input = parse(["web", "--", "-x"], { ...command, passthrough: false });
    expect([input.words, input.rest]).toEqual([["web", "-x"], undefined]);
  });

  test.each([
    [["web", "--tial=3"], 'usage: Cannot use option "--tial": there is no such option (did you mean "--tail"?)'],
    [["web", "-z"], 'usage: Cannot use option "-z": there is no such option (see --help)'],
    [["web", "-o", "jsn"], 'usage: Cannot use "jsn" for option "-o": it must be one of json, yaml (did you mean "json"?)'],
    [["web", "--tail"], 'usage: Cannot use option "--tail": its value LINES is missing'],
    [["web", "--tty=maybe"], 'usage: Cannot use "maybe" for option "--tty": it must be true or false'],
    [[], "usage: Cannot run the command: POD is missing (see --help)"],
  ] as const)("parse() refuses %p", (args, message) => {
    expect(failure(() => parse(args, command))).toBe(message);
  });

  test("parse() refuses a word too many, but not when help is asked for", () => {
    const one: Command = { ...command, words: [{ name: "POD" }] };
    expect(failure(() => parse(["a", "b"], one))).toBe('usage: Cannot use "b": it is one word too many (see --help)');
    expect(parse(["--help"], one).flag("help")).toBe(true);
  });

  test("parse() makes asking for an undeclared option a bug", () => {
    expect(() => parse(["web"], command).flag("wtach")).toThrow("option --wtach is not declared");
  });
});

describe("nearest", () => {
  test.each([
    ["lgos", "logs"],
    ["ge", "get"],
    ["desc", "describe"],
    ["frobnicate", undefined],
  ] as const)("nearest() to %s is %s", (word, expected) => {
    expect(nearest(word, ["logs", "get", "describe", "ps"])).toBe(expected);
  });
});
