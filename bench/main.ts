/**
 * Compares wherry with Podman and with the bare floor, side by side in one run, and prints the table (`make bench`).
 *
 *   bun bench/main.ts [--write] [--pods 1,10,50] [--engines wherry,Podman,floor] [--scale 1] [--wherry dist/wherry]
 *
 * --write   put the table into docs/performance.md too
 * --scale   multiply the repetitions
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { firstLine } from "./command.ts";
import { ENGINES, type Engine, type EngineName, type Places } from "./engine.ts";
import { machineFacts } from "./facts.ts";
import { floorEngine } from "./floor.ts";
import { podmanEngine } from "./podman.ts";
import { table } from "./report.ts";
import { furnishRoom, insideRoom, runInRoom } from "./room.ts";
import { playRound, schedule, startUps, warmUp } from "./rounds.ts";
import { Samples } from "./samples.ts";
import { wherryEngine } from "./wherry.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
const DOCUMENT = `${CHECKOUT}/docs/performance.md`;
const MARKERS = ["<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"] as const;
const START_UPS = 20;

const { values: options } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    pods: { type: "string", default: "1,10,50" },
    engines: { type: "string", default: ENGINES.join(",") },
    scale: { type: "string", default: "1" },
    wherry: { type: "string", default: `${CHECKOUT}/dist/wherry` },
  },
});

const disk = insideRoom();
await (disk === undefined ? outside() : inside(disk)).catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exit(1);
});

async function outside(): Promise<void> {
  if (!existsSync(options.wherry)) throw new Error(`Cannot measure "${options.wherry}": it is not there, run "make build" first`);
  const report = await runInRoom();
  process.stdout.write(report);
  if (options.write) writeFileSync(DOCUMENT, replaced(readFileSync(DOCUMENT, "utf8"), report));
}

async function inside(disk: string): Promise<void> {
  furnishRoom();
  const facts = machineFacts(options.wherry);
  const samples = new Samples();
  const say = (line: string): void => console.error(line);
  const bench = { engines: engines(disk), samples, directory: disk, say };
  await warmUp(bench);
  await startUps(bench, START_UPS);
  for (const round of schedule({ sizes: options.pods.split(",").map(Number), scale: Number(options.scale) })) await playRound(bench, round);
  process.stdout.write(`${[facts.map(([word, fact]) => `- ${word}: ${fact}`).join("\n"), table(samples)].join("\n\n")}\n`);
  process.exit(0);
}

/** The engines that were asked for, in the order in which they take turns. */
function engines(disk: string): readonly Engine[] {
  const places: Places = { disk, memory: "/run/bench", archive: `${disk}/image.tar` };
  mkdirSync(places.memory);
  firstLine([`${CHECKOUT}/tools/make-demo-image`, places.archive]);
  const make: Readonly<Record<EngineName, () => Engine>> = {
    wherry: () => wherryEngine(resolve(options.wherry), places),
    Podman: () => podmanEngine(places),
    floor: () => floorEngine(places),
  };
  const wanted = options.engines.split(",");
  return ENGINES.filter((name) => wanted.includes(name)).map((name) => make[name]());
}

/** The document with the report between its markers. */
function replaced(document: string, report: string): string {
  const [begin, end] = MARKERS.map((marker) => document.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) throw new Error(`Cannot write "${DOCUMENT}": it has no markers`);
  return `${document.slice(0, begin + MARKERS[0].length)}\n\n${report}\n${document.slice(end)}`;
}
