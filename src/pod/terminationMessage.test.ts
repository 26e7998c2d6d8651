import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { ofShare, terminationBind, terminationMessage } from "./terminationMessage.ts";
import { containerSpec, ended, ID, podRecord } from "./testing.ts";

const directory = mkdtempSync(`${tmpdir()}/wherry-message-`);
const host = { paths: { durable: directory, runtime: directory, logs: directory, self: ["wherry"] } };
const record = podRecord("web");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const logPath = `${directory}/0.log`;
const message = (exitCode: number, policy: "File" | "FallbackToLogsOnError" = "File") =>
  terminationMessage(host, record, { spec: { terminationMessagePolicy: policy }, container: { logPath }, end: ended("a", exitCode) });

describe("terminationMessage()", () => {
  let file = "";
  beforeEach(() => {
    file = terminationBind(host, record, { container: containerSpec("main"), id: ID("a") })[0]?.source ?? "";
    writeFileSync(logPath, "");
  });

  test("terminationBind() makes a file that everybody may write, at the path that is asked for", () => {
    expect(statSync(file).mode & 0o777).toBe(0o666);
    const at = (more: Parameters<typeof containerSpec>[1]) => terminationBind(host, record, { container: containerSpec("main", more), id: ID("b") }).map(({ destination }) => destination);
    expect(at({})).toEqual(["/dev/termination-log"]);
    expect(at({ terminationMessagePath: "/tmp/said" })).toEqual(["/tmp/said"]);
    expect(at({ terminationMessagePath: "/tmp/said", volumeMounts: [{ name: "v", mountPath: "/tmp/said/", readOnly: false }] })).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  test("terminationMessage() is the file, whatever the exit code, and of much the last 4096 bytes", async () => {
    expect(await message(0)).toEqual({});
    writeFileSync(file, "why");
    expect([await message(0), await message(1)]).toEqual([{ message: "why" }, { message: "why" }]);
    writeFileSync(file, `${"a".repeat(5000)}end`);
    expect((await message(1)).message).toBe(`${"a".repeat(4093)}end`);
  });

  test("terminationMessage() is no longer than the container's share of 12 KiB for the pod", async () => {
    const many = (init: number, main: number) => podRecord("web", { spec: { initContainers: Array.from({ length: init }, (_, at) => containerSpec(`i${at}`)), containers: Array.from({ length: main }, (_, at) => containerSpec(`c${at}`)) } });
    writeFileSync(file, `${"a".repeat(5000)}end`);
    const length = async (init: number, main: number) => (await terminationMessage(host, many(init, main), { spec: {}, container: { logPath: "" }, end: ended("a", 0) })).message?.length;
    expect([await length(0, 3), await length(1, 3), await length(6, 6)]).toEqual([4096, 3072, 1024]);
    writeFileSync(file, `begin${"a".repeat(5000)}`.slice(-4096).replace(/^aaa/, "end"));
    expect((await terminationMessage(host, many(2, 2), { spec: {}, container: { logPath: "" }, end: ended("a", 0) })).message).toStartWith("end");
    expect(ofShare(many(10, 20), "b".repeat(1000))).toBe("b".repeat(409));
  });

  test("terminationMessage() is the end of the log of a container that failed and said nothing, when asked for", async () => {
    const lines = Array.from({ length: 100 }, (_, index) => `2026-03-01T12:00:00.000000000+00:00 std${index % 2 === 0 ? "out" : "err"} F line ${index}\n`);
    writeFileSync(logPath, lines.join(""));
    expect(await message(1)).toEqual({});
    expect(await message(0, "FallbackToLogsOnError")).toEqual({});
    expect((await message(1, "FallbackToLogsOnError")).message).toBe(Array.from({ length: 80 }, (_, index) => `line ${20 + index}\n`).join(""));
    writeFileSync(logPath, lines.map((line) => line.replace("line", "x".repeat(100))).join(""));
    expect((await message(1, "FallbackToLogsOnError")).message).toHaveLength(2048);
    writeFileSync(logPath, "2026-03-01T12:00:00.000000000+00:00 stdout P half \n2026-03-01T12:00:00.000000000+00:00 stdout F whole\n");
    expect((await message(1, "FallbackToLogsOnError")).message).toBe("half whole\n");
  });
});
