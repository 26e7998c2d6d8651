/** The order of what is measured: the engines take turns, so that whatever else the machine does meets them all alike. */
import { ENGINES, type Engine, type EngineName } from "./engine.ts";
import { writeManifest, writeProbed, type Manifest, type Payload } from "./manifest.ts";
import { seconds } from "./command.ts";
import { dirtyKey, downKey, memoryKey, playKey } from "./rows.ts";
import type { Samples } from "./samples.ts";
import { activity, privateMemory, supervisorPid } from "./supervisor.ts";

export interface Round {
  readonly size: number;
  readonly payload: Payload;
  readonly engines: readonly EngineName[];
}

const QUICK: readonly EngineName[] = ["wherry", "floor"];
const times = (count: number, round: Round): readonly Round[] => Array.from({ length: count }, () => round);

/**
 * Podman sits out some rounds of fifty: it takes minutes to take them down. `scale` multiplies the repetitions.
 */
export function schedule({ sizes, scale }: { readonly sizes: readonly number[]; readonly scale: number }): readonly Round[] {
  const all: readonly Round[] = [
    ...times(5 * scale, { size: 1, payload: "obeying", engines: ENGINES }),
    ...times(3 * scale, { size: 10, payload: "obeying", engines: ENGINES }),
    ...(["obeying", "ignoring"] as const).flatMap((payload) => [...times(scale, { size: 50, payload, engines: ENGINES }), ...times(2 * scale, { size: 50, payload, engines: QUICK })]),
  ];
  return all.filter(({ size }) => sizes.includes(size));
}

export interface Bench {
  readonly engines: readonly Engine[];
  readonly samples: Samples;
  /** Directory for manifests. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/** One pod with every engine, not measured. */
export async function warmUp({ engines, directory, say }: Bench): Promise<void> {
  const manifest = writeManifest(directory, 1, "obeying");
  for (const engine of engines) {
    say(`${engine.name}: prepare`);
    await engine.prepare();
    await engine.stage?.(manifest);
    await engine.play(manifest);
    await engine.down(manifest);
  }
}

/** Starting the command, every engine in turn. */
export async function startUps({ engines, samples }: Bench, count: number): Promise<void> {
  for (let repetition = 0; repetition < count; repetition += 1) {
    for (const { name, version } of engines) if (version !== undefined) samples.add("version", name, await seconds(version));
  }
}

/** Every engine of the round plays the manifest, is asked, and takes it down, one after the other. */
export async function playRound(bench: Bench, round: Round): Promise<void> {
  const manifest = writeManifest(bench.directory, round.size, round.payload);
  for (const engine of bench.engines.filter(({ name }) => round.engines.includes(name))) await playOnce(bench, engine, { manifest, payload: round.payload });
}

async function playOnce({ samples, say }: Bench, engine: Engine, { manifest, payload }: { readonly manifest: Manifest; readonly payload: Payload }): Promise<void> {
  const { name } = engine;
  await engine.stage?.(manifest);
  const played = await seconds(() => engine.play(manifest));
  samples.add(playKey(manifest.size), name, played);
  if (manifest.size === 50) await askRunning(samples, engine);
  if (name === "wherry") await weigh(samples, manifest.size);
  const downed = await seconds(() => engine.down(manifest));
  if (name !== "floor") samples.add(downKey(manifest.size, payload), name, downed);
  say(`${name}: ${manifest.size} ${payload}: play ${played.toFixed(2)} s, down ${downed.toFixed(2)} s`);
}

async function askRunning(samples: Samples, { name, ps, reads }: Engine): Promise<void> {
  for (let repetition = 0; ps !== undefined && repetition < 5; repetition += 1) samples.add("ps", name, await seconds(ps));
  const found = [];
  for (const read of Object.values(reads ?? {})) found.push(await seconds(read));
  if (found.length > 0) samples.add("reads", name, Math.max(...found));
}

/** Seconds after a play until the supervisor counts as idle, and seconds that it is watched. */
const SETTLING = 3, WATCHED = 5;

/** Long enough for the runtime to have come to rest, and for each probe to come several times. */
const PROBED = { pods: 10, settling: 25, watched: 60 };

/** What probes cost wherry, in which the supervisor makes them. */
export async function probedRound({ engines, samples, directory, say }: Bench): Promise<void> {
  const wherry = engines.find(({ name }) => name === "wherry");
  if (wherry === undefined) return;
  const manifest = writeProbed(directory, PROBED.pods);
  await wherry.play(manifest);
  await Bun.sleep(PROBED.settling * 1000);
  const { cpu, written } = await activity(supervisorPid(), PROBED.watched);
  samples.add("probed cpu", "wherry", cpu);
  samples.add("probed written", "wherry", written);
  await wherry.down(manifest);
  say(`wherry: ${PROBED.pods} probed: ${cpu.toFixed(3)} %`);
}

async function weigh(samples: Samples, size: number): Promise<void> {
  const pid = supervisorPid();
  await Bun.sleep(SETTLING * 1000);
  if (size === 50) {
    const { cpu, written } = await activity(pid, WATCHED);
    samples.add("cpu", "wherry", cpu);
    samples.add("written", "wherry", written);
  }
  const { mapped, written } = privateMemory(pid);
  samples.add(memoryKey(size), "wherry", mapped);
  samples.add(dirtyKey(size), "wherry", written);
}
