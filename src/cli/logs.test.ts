import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { serviceLog } from "../base/paths.ts";
import { containerName } from "../spec/spec.ts";
import { ended, NOW } from "../pod/testing.ts";
import { parseEntry } from "./logFile.ts";
import { lastLines } from "./logText.ts";
import { fill, type World, world } from "./testing.ts";

const line = (second: number, text: string, options: { readonly stream?: string; readonly tag?: string } = {}): string =>
  `2026-03-01T11:59:${String(second).padStart(2, "0")}.000000000+00:00 ${options.stream ?? "stdout"} ${options.tag ?? "F"} ${text}\n`;

let place: World;
let web: ReturnType<typeof fill>["web"];
beforeEach(() => {
  place = world();
  web = fill(place).web;
});
afterEach(() => place[Symbol.dispose]());

function write(path: string, text: string): string {
  const full = `${place.paths.logs}/${path}`;
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

describe("parseEntry", () => {
  test("parseEntry() reads CRI lines and nothing else", () => {
    const read = (text: string): unknown => {
      const entry = parseEntry(Buffer.from(text));
      return entry === undefined ? undefined : [entry.time, entry.stream, entry.partial, Buffer.from(entry.content).toString()];
    };
    expect(read("T stdout F hello  world")).toEqual(["T", "stdout", false, "hello  world"]);
    expect(read("T stderr P half")).toEqual(["T", "stderr", true, "half"]);
    expect([read("T stdout F "), read("T stdout F")]).toEqual([["T", "stdout", false, ""], ["T", "stdout", false, ""]]);
    expect([read(""), read("garbage"), read("a b c d")]).toEqual([undefined, undefined, undefined]);
  });
});

describe("lastLines", () => {
  test("lastLines() counts pieces of a line as one line", () => {
    const entry = (text: string, partial = false) => ({ time: "T", stream: "stdout", partial, content: Buffer.from(text) });
    const entries = [entry("one"), entry("tw", true), entry("o"), entry("three")];
    const texts = (count: number): string => lastLines(entries, count).map(({ content }) => Buffer.from(content).toString()).join("|");
    expect([texts(2), texts(1), texts(0), texts(-1)]).toEqual(["tw|o|three", "three", "", "one|tw|o|three"]);
  });
});

describe("logs", () => {
  test("logs joins pieces, defaults the container as kubectl does, and says so", async () => {
    write("web/nginx/0.log", line(1, "one") + line(2, "tw", { tag: "P" }) + line(3, "o") + line(4, "err", { stream: "stderr" }));
    const { status, stdout, stderr } = await place.cli(["logs", "web"]);
    expect([status, stdout, stderr]).toEqual([0, "one\ntwo\nerr\n", 'Defaulted container "nginx" out of: nginx, side, setup (init)\n']);
  });

  test("logs selects by --tail, --since, --since-time and --limit-bytes; shows --timestamps and --prefix", async () => {
    write("web/nginx/0.log", [10, 20, 30].map((second) => line(second, `at ${second}`)).join(""));
    const show = async (...options: readonly string[]): Promise<string> => (await place.cli(["logs", "web", "-c", "nginx", ...options])).stdout;
    expect(await show("--tail", "1")).toBe("at 30\n");
    expect(await show("--tail=-1")).toBe("at 10\nat 20\nat 30\n");
    expect(await show("--since", "45s")).toBe("at 20\nat 30\n");
    expect(await show("--since-time", "2026-03-01T11:59:25Z")).toBe("at 30\n");
    expect(await show("--limit-bytes", "4")).toBe("at 1");
    expect(await show("--tail", "1", "--timestamps", "--prefix")).toBe("[pod/web/nginx] 2026-03-01T11:59:30.000000000+00:00 at 30\n");
  });

  test("logs --previous is the life before; of a container that waits for its restart, the life that has just ended", async () => {
    write("web/side/1.log", line(1, "side before"));
    write("job/main/4.log", line(1, "job latest"));
    expect((await place.cli(["logs", "web", "-c", "side", "-p"])).stdout).toBe("side before\n");
    expect((await place.cli(["logs", "job", "--previous"])).stdout).toBe("job latest\n");
    expect(await place.cli(["logs", "web", "nginx", "-p"])).toMatchObject({ status: 1, stderr: 'Error: Cannot show the previous log of container "nginx" of pod "web": it has had no previous life\n' });
  });

  test("logs --all-containers shows one container after the other", async () => {
    write("web/nginx/0.log", line(1, "from nginx"));
    write("web/side/2.log", line(1, "from side"));
    expect((await place.cli(["logs", "web", "--all-containers", "--prefix"])).stdout).toBe("[pod/web/nginx] from nginx\n[pod/web/side] from side\n");
  });

  test("logs service/NAME is the supervisor's log", async () => {
    const path = serviceLog(place.paths, "shop");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, line(1, "supervising"));
    expect((await place.cli(["logs", "service/shop"])).stdout).toBe("supervising\n");
    expect((await place.cli(["logs", "service/none"])).stderr).toContain('Cannot find service "none"');
  });

  test("logs -f goes on across a log that is started anew, and ends with the container", async () => {
    const path = write("web/nginx/0.log", line(1, "one"));
    const steps: Readonly<Record<string, () => void>> = {
      "one\n": () => appendFileSync(path, line(2, "two")),
      "one\ntwo\n": () => {
        appendFileSync(path, line(3, "three"));
        writeFileSync(`${path}.tmp`, line(4, "four"));
        renameSync(`${path}.tmp`, path);
      },
      "one\ntwo\nthree\nfour\n": () => {
        appendFileSync(path, line(5, "five"));
        place.runtime.updateContainer(web.uid, containerName("nginx"), { state: ended("a", 0, { finishedAt: NOW }) });
      },
    };
    const onOutput = (sofar: string): void => steps[sofar]?.();
    const { status, stdout } = await place.cli(["logs", "-f", "web", "-c", "nginx"], { onOutput });
    expect([status, stdout]).toEqual([0, "one\ntwo\nthree\nfour\nfive\n"]);
  });

  test("logs -f ends when its reader has gone", async () => {
    write("web/nginx/0.log", line(1, "one"));
    expect(await place.cli(["logs", "-f", "web", "-c", "nginx"], { onOutput: () => false })).toMatchObject({ status: 0, stdout: "one\n" });
  });
});
