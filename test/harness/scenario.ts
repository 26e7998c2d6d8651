/**
 * A scenario is an end-to-end test that starts on a clean room and must leave it clean: after its body everything is
 * taken down and the leak check compares with what was there before.
 */
import { afterAll, expect, test } from "bun:test";
import { exec } from "../../src/base/exec.ts";
import { eventually } from "./eventually.ts";
import { importTestImage, packTestImage } from "./image.ts";
import { difference } from "./leaks.ts";
import { ORDINARY } from "./ordinary.ts";
import { paced, UNTIMED } from "./pace.ts";
import { CHECKOUT, type Opened, type Room, WHERRY } from "./room.ts";

export interface ScenarioOptions {
  /** Milliseconds; multiplied by the pace of the room. 60 s. */
  readonly timeout?: number;
  /** It tells early from late: left out where times are not those of a real machine. */
  readonly timed?: boolean;
  /** What in it is root's alone: left out for an ordinary user. */
  readonly root?: string;
}

export type Scenario = (title: string, body: (room: Room) => Promise<void>, options?: ScenarioOptions) => void;

/**
 * Builds the program and opens a room for the tests of this file. Where the room cannot be made, they are skipped with
 * one line that says why; where something fails, every test fails with it.
 */
export async function scenarios(open: () => Promise<Opened>): Promise<Scenario> {
  const opened = await Promise.all([build(), packTestImage()]).then(open).catch((cause: unknown) => ({ cause }));
  if ("missing" in opened) {
    console.log(`skipped: ${opened.missing}`);
    return (title) => test.skip(title, () => {});
  }
  if ("cause" in opened) {
    return (title) => test(title, () => {
      throw opened.cause;
    });
  }
  const { room } = opened;
  afterAll(() => room[Symbol.asyncDispose](), paced(20_000));
  let prepared: Promise<void> | undefined;
  return (title, body, options = {}) => {
    const reason = options.timed === true && UNTIMED !== undefined ? UNTIMED : ORDINARY ? options.root : undefined;
    if (reason !== undefined) return test.skip(`${title} (${reason})`, () => {});
    return test(title, async () => {
      await (prepared ??= importTestImage(room));
      await cleanly(room, body);
    }, paced(options.timeout ?? 60_000));
  };
}

/** Builds what the tests run, unless it is newer than its sources, or installed where they run. */
export async function build(): Promise<void> {
  if (!WHERRY.startsWith(CHECKOUT)) return;
  await exec(["make", "--no-print-directory", "-s", "build"], { cwd: CHECKOUT, timeout: 120_000 });
}

/** The body's own error counts before what it left behind. */
async function cleanly(room: Room, body: (room: Room) => Promise<void>): Promise<void> {
  const before = await room.leaks();
  const [failed] = (await Promise.allSettled([body(room)])).filter((each) => each.status === "rejected");
  const [stuck] = (await Promise.allSettled([takeDown(room)])).filter((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  if (stuck !== undefined) throw stuck.reason;
  // The kernel takes away namespaces, their interfaces and empty cgroups a moment after their last process.
  await eventually(async () => {
    expect(difference(before, await room.leaks())).toEqual({ left: [], gone: [] });
  }, { within: 3_000 });
}

async function takeDown(room: Room): Promise<void> {
  if (room.kind !== "plain") {
    await room.run(["sh", "-c", "systemctl stop 'wherry@*.service'; systemctl reset-failed; systemctl daemon-reload"], { timeout: 60_000 });
  }
  await room.ok(["down", "--all", "--volumes"], { timeout: 60_000 });
}
