import { describe, expect, test } from "bun:test";
import type { StoreProgress } from "../../storage/storage.ts";
import { contextOf, type Surroundings } from "../context.ts";
import { stdinOf } from "../testing.ts";
import { engineOf } from "../wiring.ts";
import { progressDisplay } from "./display.ts";
import { changeLines, screenLines } from "./lines.ts";
import { advance, begun, type ImageProgress } from "./progress.ts";
import { showOn } from "./screen.ts";
import { shown } from "./shown.ts";

const MB = 1_000_000;
const blob = (letter: string): string => `sha256:${letter.repeat(64)}`;
const LAYERS: StoreProgress = {
  step: "layers",
  layers: [
    { blob: blob("a"), size: 31.4 * MB, present: true }, { blob: blob("b"), size: 45.6 * MB, present: false },
    { blob: blob("c"), size: 2 * MB, present: false }, { blob: blob("d"), size: 625, present: false }, { blob: blob("e"), size: 999.9 * MB, present: false },
  ],
};
const STEPS: readonly StoreProgress[] = [
  { step: "read", source: "docker://docker.io/library/nginx:1" }, LAYERS,
  { step: "download", blob: blob("b"), bytes: 12.3 * MB },
  { step: "download", blob: blob("c"), bytes: 2 * MB }, { step: "unpack", blob: blob("c"), bytes: 1 * MB },
  { step: "download", blob: blob("d"), bytes: 625 }, { step: "unpack", blob: blob("d"), bytes: 625 }, { step: "layer", blob: blob("d"), state: "done" },
];
const after = (steps: readonly StoreProgress[], name = "nginx:1"): ImageProgress => steps.reduce(advance, begun(name));
const lines = (images: readonly ImageProgress[], columns: number, rows = 24): readonly string[] => screenLines(images, { columns, rows, colour: false });

describe("screenLines", () => {
  test("screenLines() has a bar for every layer that something happens to", () => {
    expect(lines([after(STEPS)], 80)).toEqual([
      "nginx:1: 2/5 layers",
      "  aaaaaaaaaaaa  already there                                    31.4MB",
      "  bbbbbbbbbbbb  downloading    [=======>                      ]  12.3MB/45.6MB",
      "  cccccccccccc  unpacking      [==============>               ]  1MB/2MB",
      "  dddddddddddd  done                                             625B",
      "  eeeeeeeeeeee  waiting                                          1000MB",
    ]);
  });

  test("screenLines() leaves the bar out where it is narrow, and cuts what does not fit", () => {
    expect(lines([after(STEPS)], 50).slice(1, 3)).toEqual(["  aaaaaaaaaaaa  already there  31.4MB", "  bbbbbbbbbbbb  downloading    12.3MB/45.6MB"]);
    expect(lines([after(STEPS)], 20)[2]).toBe("  bbbbbbbbbbbb  dow…");
    for (const columns of [1, 2, 10, 33, 62, 63, 64, 100, 500]) for (const line of lines([after(STEPS)], columns)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("screenLines() colours the state only, which takes no columns", () => {
    const [, , coloured = ""] = screenLines([after(STEPS)], { columns: 50, rows: 24, colour: true });
    expect(coloured).toBe("  bbbbbbbbbbbb  \x1b[36mdownloading\x1b[0m    12.3MB/45.6MB");
  });

  test("screenLines() folds first the layers that are over, then those that wait, into one line", () => {
    expect(lines([after(STEPS)], 50, 6)).toEqual([
      "nginx:1: 2/5 layers",
      "  layers: 1 done, 1 already there",
      "  bbbbbbbbbbbb  downloading    12.3MB/45.6MB",
      "  cccccccccccc  unpacking      1MB/2MB",
      "  eeeeeeeeeeee  waiting        1000MB",
    ]);
    const more = after([...STEPS, { step: "layers", layers: [...LAYERS.layers, { blob: blob("f"), size: 1, present: false }] }]);
    expect(lines([more], 50, 6).slice(2)).toEqual(["  bbbbbbbbbbbb  downloading    12.3MB/45.6MB", "  cccccccccccc  unpacking      1MB/2MB", "  layers: 2 waiting"]);
    for (const rows of [1, 2, 3, 4, 5, 8]) expect(lines([more, after(STEPS, "redis"), begun("busybox")], 60, rows).length).toBeLessThanOrEqual(Math.max(1, rows - 1));
    expect(lines([more, after(STEPS, "redis"), begun("busybox")], 60, 4)).toEqual(["nginx:1: 2/6 layers", "redis: 2/5 layers", "busybox: waiting"]);
  });

  test("screenLines() shows no control characters of foreign origin", () => {
    expect(lines([begun("a\x1b[2J")], 80)).toEqual(["a�[2J: waiting"]);
  });
});

describe("changeLines", () => {
  test("changeLines() says each change of state once, however often bytes are told", () => {
    let image = begun("nginx:1");
    const said: string[] = [];
    for (const step of STEPS.flatMap((each): readonly StoreProgress[] => (each.step === "download" ? [each, { ...each, bytes: each.bytes + 1 }, each] : [each]))) {
      const next = advance(image, step);
      said.push(...changeLines(image, next));
      image = next;
    }
    expect(said).toEqual([
      "reading docker://docker.io/library/nginx:1",
      "layer aaaaaaaaaaaa: already there",
      "layer bbbbbbbbbbbb: downloading 45.6MB",
      "layer cccccccccccc: downloading 2MB",
      "layer cccccccccccc: unpacking",
      "layer dddddddddddd: downloading 625B",
      "layer dddddddddddd: unpacking",
      "layer dddddddddddd: done",
    ]);
  });
});

describe("advance", () => {
  test("advance() takes layers that nobody has announced, and never goes back", () => {
    const image = after([{ step: "unpack", blob: blob("a"), bytes: 5 }, { step: "layer", blob: blob("a"), state: "present" }, { step: "download", blob: blob("a"), bytes: 1 }, { step: "unpack", blob: blob("a"), bytes: 1 }]);
    expect(image.layers).toEqual([{ blob: blob("a"), size: 0, state: "present", bytes: 0 }]);
    expect(after([LAYERS, { step: "unpack", blob: blob("b"), bytes: 5 }, { step: "download", blob: blob("b"), bytes: 9 }, LAYERS]).layers[1]).toMatchObject({ state: "unpacking", bytes: 5 });
  });
});

/** A display on a writer that keeps what is written. */
function displayed(isTerminal: boolean, quiet = false) {
  const written: string[] = [];
  const stderr = { isTerminal, write: async (data: string | Uint8Array) => written.push(String(data)) > 0 };
  return { written, display: progressDisplay({ stderr, colour: false, screen: { columns: 60, rows: 24 } }, { quiet }) };
}

describe("progressDisplay", () => {
  test("progressDisplay() draws at most a frame in 100 ms, the last state at the end, and gives the cursor back once", async () => {
    const { written, display } = displayed(true);
    const [one, two] = [display.of("nginx:1"), display.of("redis")];
    for (let bytes = 0; bytes < 1000; bytes += 1) one({ step: "download", blob: blob("a"), bytes });
    await Bun.sleep(20);
    expect(written.length).toBe(1);
    two({ step: "read", source: "docker://redis" });
    one({ step: "layer", blob: blob("a"), state: "done" });
    await Bun.sleep(20);
    expect(written.length).toBe(1);
    display[Symbol.dispose]();
    display[Symbol.dispose]();
    expect(written.length).toBe(3);
    expect([written[0]?.startsWith("\x1b[?25l"), written.at(-1)]).toEqual([true, "\x1b[?25h"]);
    expect(showOn({ columns: 60, rows: 24 }, written.join("").replaceAll("\n", "\r\n"))).toEqual(["nginx:1: 1/1 layers", "  aaaaaaaaaaaa  done", "redis: reading"]);
    one({ step: "download", blob: blob("z"), bytes: 1 });
    await Bun.sleep(120);
    expect(written.length).toBe(3);
  });

  test("progressDisplay() draws nothing when nothing happens", async () => {
    const { written, display } = displayed(true);
    display.of("nginx:1");
    await Bun.sleep(120);
    display[Symbol.dispose]();
    expect(written).toEqual([]);
  });

  test("progressDisplay() writes plain lines when stderr is no terminal, and nothing when it is quiet", () => {
    const plain = displayed(false);
    STEPS.forEach(plain.display.of("nginx:1"));
    plain.display[Symbol.dispose]();
    expect(plain.written.slice(0, 2)).toEqual(["reading docker://docker.io/library/nginx:1\n", "layer aaaaaaaaaaaa: already there\n"]);
    expect(plain.written.join("")).not.toContain("\x1b");
    const quiet = displayed(true, true);
    STEPS.forEach(quiet.display.of("nginx:1"));
    quiet.display[Symbol.dispose]();
    expect(quiet.written).toEqual([]);
  });

  test.each([[100, 30], [60, 24], [40, 6], [20, 4]])("progressDisplay() keeps its place on a real terminal of %p columns and %p rows", async (columns, rows) => {
    const program = [process.execPath, `${import.meta.dir}/demonstrate.ts`, JSON.stringify(STEPS)].map((word) => `'${word}'`).join(" ");
    const child = Bun.spawn(["script", "--quiet", "--return", "--command", `stty cols ${columns} rows ${rows}; echo before; ${program}; echo after`, "/dev/null"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const shown = showOn({ columns, rows }, await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    expect(shown).toEqual(["before", ...lines([after(STEPS)], columns, rows), "after"].slice(-rows + 1));
  }, 20_000);
});

describe("shown", () => {
  /** Only what `shown` asks of a context. */
  const surroundings = (interrupted: Promise<void>, written: string[]) => {
    const writer = { isTerminal: true, write: async (data: string | Uint8Array) => written.push(String(data)) > 0 };
    const around: Surroundings = {
      env: {}, uid: 0, home: "/", cwd: "/", self: [], inside: false, enter: () => Promise.reject(new Error("not here")), stdout: writer, stderr: writer, stdin: stdinOf(""), columns: () => 80, screen: () => ({ columns: 80, rows: 24 }),
      now: () => 0, node: () => ({ name: "", ip: "" }), interrupted: () => interrupted, engine: engineOf,
    };
    return contextOf(around, {});
  };

  test("shown() gives the cursor back at a signal, before the work has ended, and ends with 130", async () => {
    const written: string[] = [];
    const signalled = Promise.withResolvers<void>();
    const outcome = shown(surroundings(signalled.promise, written), { quiet: false }, async (display, signal) => {
      STEPS.forEach(display.of("nginx:1"));
      await Bun.sleep(10);
      signalled.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      expect(written.at(-1)).toBe("\x1b[?25h");
      throw new Error("aborted");
    });
    expect(await outcome).toEqual({ kind: "none", exitCode: 130 });
    expect(written.at(-1)).toBe("Interrupted\n");
  });

  test("shown() gives the cursor back after an error, which passes", async () => {
    const written: string[] = [];
    const outcome = shown(surroundings(new Promise(() => {}), written), { quiet: false }, async (display) => {
      STEPS.forEach(display.of("nginx:1"));
      throw new Error("it broke");
    });
    await expect(outcome).rejects.toThrow("it broke");
    expect(written.at(-1)).toBe("\x1b[?25h");
  });
});

describe("stdinOf", () => {
  test("stdinOf() gives its text whole and in chunks", async () => {
    const chunks = await Array.fromAsync(stdinOf("abc").chunks(), (chunk) => Buffer.from(chunk).toString());
    expect([await stdinOf("abc").text(), chunks]).toEqual(["abc", ["abc"]]);
  });
});

test("changeLines() and screenLines() warn of device nodes that are left out", () => {
  const devices: StoreProgress = { step: "devices", blob: blob("a"), leftOut: 2 };
  const warning = `warning: layer ${"a".repeat(12)}: 2 device nodes cannot be made by this user and are left out`;
  expect(changeLines(after(STEPS), after([...STEPS, devices]))).toEqual([warning]);
  expect(screenLines([after([...STEPS, devices])], { columns: 120, rows: 40, colour: false }).at(-1)).toBe(`  ${warning}`);
});
