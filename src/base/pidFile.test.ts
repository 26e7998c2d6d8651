import { expect, test } from "bun:test";
import { eventually } from "../../test/harness/eventually.ts";
import { isExiting, startTimeOf } from "./pidFile.ts";

test("isExiting() and startTimeOf() tell who lives from who waits to be reaped, and who never was", async () => {
  const parent = Bun.spawn(["sh", "-c", `sh -c 'echo "$$"' & exec sleep 1000`], { stdout: "pipe" }); // sleep(1) reaps nobody
  const { value } = await parent.stdout.getReader().read();
  const unreaped = Number(new TextDecoder().decode(value));
  await eventually(async () => expect([isExiting(unreaped), startTimeOf(unreaped)]).toEqual([true, undefined]), { within: 2_000 });
  expect([isExiting(process.pid), startTimeOf(process.pid)]).toEqual([false, expect.any(Number)]);
  expect([isExiting(4_194_304), startTimeOf(4_194_304)]).toEqual([true, undefined]);
  parent.kill("SIGKILL");
  await parent.exited;
});
