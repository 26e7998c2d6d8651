/**
 * Compares wherry with Podman and with the bare floor, side by side in one run, and prints the table (`make bench`).
 *
 *   bun bench/main.ts [--write] [--rows play,images] [--pods 1,10,50] [--engines wherry,Podman,floor] [--scale 1]
 *                     [--wherry dist/wherry]
 *
 * --write   put the tables into docs/performance.md too
 * --rows    measure playing, or images, or both
 * --scale   multiply the repetitions
 */
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { bigImage, manyLayers } from "../test/harness/images.ts";
import { startRegistry } from "../test/harness/registry.ts";
import { startHere } from "../test/harness/room.ts";
import { firstLine } from "./command.ts";
import { ENGINES, type Engine, type EngineName, type Places } from "./engine.ts";
import { type Part, partText, withoutMarkers, writeParts } from "./document.ts";
import { imageFacts, machineFacts, playFacts, systemFacts } from "./facts.ts";
import { floorEngine } from "./floor.ts";
import { measureImages } from "./imageRounds.ts";
import { podmanEngine } from "./podman.ts";
import { podmanPuller, wherryPuller, writeRegistries } from "./puller.ts";
import { table } from "./report.ts";
import { DISK, furnishRoom, insideRoom, runInRoom } from "./room.ts";
import { playRound, probedRound, schedule, startUps, warmUp } from "./rounds.ts";
import { IMAGE_ROWS, PLAY_ROWS } from "./rows.ts";
import { Samples } from "./samples.ts";
import { wherryEngine } from "./wherry.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
/** What this program measures. */
const MEASURED = ["play", "images"] as const satisfies readonly Part[];
const START_UPS = 20;

const { values: options } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    rows: { type: "string", default: MEASURED.join(",") },
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
  // The images are made outside, where they stay
  if (parts().includes("images")) await Promise.all([bigImage(), manyLayers()]);
  const report = await runInRoom();
  process.stdout.write(withoutMarkers(report));
  if (options.write) writeParts(report, parts());
}

async function inside(disk: string): Promise<void> {
  furnishRoom(disk);
  const places: Places = { disk: DISK, memory: "/run/bench", archive: `${DISK}/image.tar` };
  mkdirSync(places.memory);
  firstLine([`${CHECKOUT}/tools/make-demo-image`, places.archive]);
  const measure = { play: measurePlay, images: measurePulling };
  for (const part of parts()) {
    const facts = [...machineFacts(), ...systemFacts(options.wherry)];
    const samples = new Samples();
    await measure[part](places, samples);
    const all = [...facts, ...(part === "play" ? playFacts() : imageFacts())];
    process.stdout.write(partText(part, all, table(samples, part === "play" ? PLAY_ROWS : IMAGE_ROWS)));
  }
  process.exit(0);
}

function parts(): readonly (typeof MEASURED)[number][] {
  return MEASURED.filter((part) => options.rows.split(",").includes(part));
}

function say(line: string): void {
  console.error(line);
}

async function measurePlay(places: Places, samples: Samples): Promise<void> {
  const bench = { engines: engines(places), samples, directory: places.disk, say };
  await warmUp(bench);
  await startUps(bench, START_UPS);
  const sizes = options.pods.split(",").map(Number);
  for (const round of schedule({ sizes, scale: Number(options.scale) })) await playRound(bench, round);
  if (sizes.includes(10)) await probedRound(bench);
}

async function measurePulling(places: Places, samples: Samples): Promise<void> {
  await using registry = await startRegistry(startHere);
  const registries = writeRegistries(places.disk, registry);
  const executable = resolve(options.wherry);
  const pullers = [wherryPuller(executable, places, registries), podmanPuller(places)].filter(({ name }) => options.engines.split(",").includes(name));
  await measureImages({ pullers, registry, registries, samples, places, executable, say }, Number(options.scale));
}

/** The engines that were asked for, in the order in which they take turns. */
function engines(places: Places): readonly Engine[] {
  const make: Readonly<Record<EngineName, () => Engine>> = {
    wherry: () => wherryEngine(resolve(options.wherry), places),
    Podman: () => podmanEngine(places),
    floor: () => floorEngine(places),
  };
  const wanted = options.engines.split(",");
  return ENGINES.filter((name) => wanted.includes(name)).map((name) => make[name]());
}
