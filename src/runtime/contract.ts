/** The suite that every `Runtime` passes. `contract.test.ts` runs it on the fake and on the real ones. */
import { afterAll, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import { type ContainerId, newContainerId } from "../spec/spec.ts";
import type { CreateRequest, Runtime } from "./runtime.ts";

/** What a payload of the suite does. */
export type Act = "echo" | "exit 7" | "wait for SIGTERM" | "ignore SIGTERM" | "missing program";

export interface Harness {
  readonly runtime: Runtime;
  request(id: ContainerId, act: Act): CreateRequest;
  killMonitor(id: ContainerId, pid: number): void;
  /** What is left on the host; empty when nothing is. */
  leaks(): readonly string[];
  dispose(): Promise<void>;
}

export function runtimeContract(name: string, harness: Harness): void {
  const { runtime } = harness;
  const titled = (title: string, body: () => Promise<void>): void => test(`${name} ${title}`, body, 120_000);
  const create = async (act: Act): Promise<CreateRequest> => {
    const request = harness.request(newContainerId(), act);
    await runtime.create(request);
    return request;
  };
  const run = async (act: Act): Promise<CreateRequest> => {
    const request = await create(act);
    await runtime.start(request.id);
    return request;
  };
  const expectGone = async ({ id, bundle }: CreateRequest): Promise<void> => {
    expect(await runtime.observe(id, bundle)).toEqual({ status: "absent", pid: 0, monitored: false, monitorPid: 0 });
    expect(await runtime.list()).not.toContain(id);
  };
  afterAll(async () => {
    const leaks = harness.leaks();
    await harness.dispose();
    expect(leaks).toEqual([]);
  });

  titled("leads a container through its life and reports its exit status", async () => {
    const request = harness.request(newContainerId(), "exit 7");
    const { pid, monitorPid } = await runtime.create(request);
    expect(await runtime.observe(request.id, request.bundle)).toEqual({ status: "created", pid, monitored: true, monitorPid });
    expect(await runtime.list()).toContain(request.id);
    const ended = runtime.ended(request.bundle);
    await runtime.start(request.id);
    const exit = await ended;
    expect(exit).toMatchObject({ exitCode: 7, oomKilled: false });
    expect(Math.abs(Date.now() - (exit?.finishedAt ?? 0))).toBeLessThan(5_000);
    expect(await runtime.observe(request.id, request.bundle)).toEqual({ status: "stopped", pid: 0, monitored: false, monitorPid: 0 });
    expect(await runtime.ended(request.bundle)).toEqual(exit);
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("delivers SIGTERM, and says so when there is nobody left to get it", async () => {
    const request = await run("wait for SIGTERM");
    await ready(request);
    expect(await runtime.kill(request.id, "SIGTERM")).toBe(true);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 143 });
    expect(await runtime.kill(request.id, "SIGTERM")).toBe(false);
    await runtime.remove(request.id, request.bundle);
    expect(await runtime.kill(request.id, "SIGKILL")).toBe(false);
    await expectGone(request);
  });

  titled("ends a payload that ignores SIGTERM with SIGKILL", async () => {
    const request = await run("ignore SIGTERM");
    await ready(request);
    expect(await runtime.kill(request.id, "SIGTERM")).toBe(true);
    expect(await runtime.observe(request.id, request.bundle)).toMatchObject({ status: "running", monitored: true });
    expect(await runtime.kill(request.id, "SIGKILL", { all: true })).toBe(true);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 137 });
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("names the program that cannot be found, and leaves nothing", async () => {
    const request = harness.request(newContainerId(), "missing program");
    const failure = await runtime.create(request).then(() => runtime.start(request.id)).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(WherryError);
    expect(failure).toMatchObject({ kind: "failed", message: expect.stringContaining("no-such-program") });
    expect(String(failure)).not.toMatch(/level=error|\d{4}-\d\d-\d\dT/);
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("finds a container without monitor, and removes it", async () => {
    const request = await run("wait for SIGTERM");
    const { pid, monitorPid } = await runtime.observe(request.id, request.bundle);
    const ended = runtime.ended(request.bundle);
    harness.killMonitor(request.id, monitorPid);
    expect(await ended).toBeUndefined();
    expect(await runtime.observe(request.id, request.bundle)).toEqual({ status: "running", pid, monitored: false, monitorPid: 0 });
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("removes a container that was created and never started", async () => {
    const request = await create("exit 7");
    const ended = runtime.ended(request.bundle);
    await runtime.remove(request.id, request.bundle);
    await ended;
    await expectGone(request);
  });

  titled("kills a container that was created and never started", async () => {
    const request = await create("exit 7");
    expect(await runtime.kill(request.id, "SIGKILL")).toBe(true);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 137 });
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("removes a running container, and what is absent, as often as asked", async () => {
    const request = await run("ignore SIGTERM");
    await runtime.remove(request.id, request.bundle);
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
    expect(await runtime.ended(`${request.bundle}-of-nobody`)).toBeUndefined();
  });

  titled("stops waiting for an end when the signal comes, and the container runs on", async () => {
    const request = await run("wait for SIGTERM");
    expect(await runtime.ended(request.bundle, { signal: AbortSignal.timeout(20) })).toBeUndefined();
    expect(await runtime.observe(request.id, request.bundle)).toMatchObject({ status: "running", monitored: true });
    await runtime.remove(request.id, request.bundle);
  });

  titled("passes input to the payload and its output back, and ends an input that is for one session only", async () => {
    const request: CreateRequest = { ...harness.request(newContainerId(), "echo"), stdin: "once" };
    await runtime.create(request);
    await runtime.start(request.id);
    using session = await runtime.attach(request.id, request.bundle);
    const text = "x".repeat(100_000);
    expect(await session.write(Buffer.from(text))).toBe(true);
    session.endInput();
    let seen = "";
    for await (const { stream, data } of session.output()) seen += `${stream === "stdout" ? "" : "!"}${Buffer.from(data).toString()}`;
    expect(seen).toBe(text);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 0 });
    await runtime.remove(request.id, request.bundle);
    await expectGone(request);
  });

  titled("lets a session go and the container, whose input stays open, run on", async () => {
    const request: CreateRequest = { ...harness.request(newContainerId(), "echo"), stdin: "open" };
    await runtime.create(request);
    await runtime.start(request.id);
    for (let times = 0; times < 2; times += 1) {
      using session = await runtime.attach(request.id, request.bundle);
      expect(await session.write(Buffer.from("hello\n"))).toBe(true);
      session.endInput();
    }
    expect(await runtime.observe(request.id, request.bundle)).toMatchObject({ status: "running", monitored: true });
    await runtime.remove(request.id, request.bundle);
    expect(runtime.attach(request.id, request.bundle)).rejects.toMatchObject({ kind: "notFound" });
  });

  titled("refuses to start what does not exist", async () => {
    expect(runtime.start(newContainerId())).rejects.toMatchObject({ kind: "notFound" });
  });

  titled("runs fifty at once", async () => {
    const requests = Array.from({ length: 50 }, () => harness.request(newContainerId(), "exit 7"));
    const exits = await Promise.all(
      requests.map(async (request) => {
        await runtime.create(request);
        const ended = runtime.ended(request.bundle);
        await runtime.start(request.id);
        return ended;
      }),
    );
    expect(exits.map((exit) => exit?.exitCode)).toEqual(requests.map(() => 7));
    await Promise.all(requests.map(({ id, bundle }) => runtime.remove(id, bundle)));
    await Promise.all(requests.map(expectGone));
  });
}

/** The payload says in its log when its signal handlers stand; a fake one has no log. */
export async function ready({ logPath }: CreateRequest): Promise<void> {
  while (logPath !== "/dev/null" && !(await Bun.file(logPath).text()).includes("ready")) await Bun.sleep(2);
}
