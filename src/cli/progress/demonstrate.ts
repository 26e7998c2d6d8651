/** For a test: shows the steps of its first argument on the terminal that it is started on, some slowly. */
import type { StoreProgress } from "../../storage/storage.ts";
import { writerTo } from "../writer.ts";
import { progressDisplay } from "./display.ts";

const steps: readonly StoreProgress[] = JSON.parse(process.argv[2] ?? "[]");
const screen = { columns: process.stderr.columns, rows: process.stderr.rows };
const display = progressDisplay({ stderr: writerTo(2), colour: false, screen }, { quiet: false });
const show = display.of("nginx:1");
for (const [index, step] of steps.entries()) {
  show(step);
  if (index % 3 === 0) await Bun.sleep(110);
}
display[Symbol.dispose]();
