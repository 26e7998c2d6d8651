/** What is measured of images: pulling, unpacking alone, ten services with one missing image, starting with more layers and images. */
import { mkdirSync, readFileSync } from "node:fs";
import { type Member, tar, writeTar } from "../src/storage/fixtures.ts";
import { bigImage, manyLayers } from "../test/harness/images.ts";
import { type Layout, writeImageLayout } from "../test/harness/layout.ts";
import { drawing, noise } from "../test/harness/random.ts";
import type { Registry } from "../test/harness/registry.ts";
import { runInto, seconds, settle } from "./command.ts";
import type { Places } from "./engine.ts";
import { writePod } from "./manifest.ts";
import type { Puller } from "./puller.ts";
import { pullKey, startKey } from "./rows.ts";
import type { Samples } from "./samples.ts";
import { unpackRound } from "./unpacking.ts";
import { type Wherry, wherryCommand } from "./wherry.ts";

export interface ImageBench {
  readonly pullers: readonly Puller[];
  readonly registry: Registry;
  /** registries.conf(5) that knows it. */
  readonly registries: string;
  readonly samples: Samples;
  readonly places: Places;
  readonly executable: string;
  readonly say: (line: string) => void;
}

/** How often what is measured, times `scale`. */
const PULLS = { big: 3, many: 5 } as const, TEN = 3, STARTS = 10;

export async function measureImages(bench: ImageBench, scale: number): Promise<void> {
  const images = { big: await bigImage(), many: await manyLayers() };
  for (const [name, layout] of Object.entries(images) as readonly ["big" | "many", Layout][]) { // the names of a literal
    for (let round = 0; round < PULLS[name] * scale; round += 1) await pullRound(bench, name, layout);
    const unpacking = { ...bench, disk: bench.places.disk, run: runInto(`${bench.places.disk}/bsdtar.log`) };
    for (let round = 0; round < PULLS[name] * scale; round += 1) await unpackRound(unpacking, name, layout);
  }
  const wherry = bench.pullers.some(({ name }) => name === "wherry");
  for (let round = 0; wherry && round < TEN * scale; round += 1) await tenServices(bench, round);
  if (wherry) await starts(bench, STARTS * scale);
}

/** Every engine pulls into a new store, one after the other. */
async function pullRound({ pullers, registry, samples, places, say }: ImageBench, name: string, layout: Layout): Promise<void> {
  const reference = registry.publish(layout, `${name}:1`);
  for (const puller of pullers) {
    await settle(places.disk);
    const taken = await seconds(() => puller.pull(reference));
    samples.add(pullKey(name), puller.name, taken);
    say(`pull ${name}: ${puller.name} ${taken.toFixed(2)} s`);
  }
}

/** The root filesystem that pods run in, and layers on it. */
const onBusybox = ({ archive }: Places, layers: readonly (readonly Member[])[]): Parameters<typeof writeImageLayout>[1] => ({ layers: [readFileSync(archive), ...layers.map(tar)] });

/** Ten plays at once, of ten services that want one image, which nobody has. */
async function tenServices({ registry, registries, samples, places, executable, say }: ImageBench, round: number): Promise<void> {
  const large = [1, 2, 3].map((part) => [{ name: `part${part}`, content: noise(drawing(round * 10 + part), 8e6) }]);
  const layout = await writeImageLayout(`${places.disk}/ten-layout-${round}`, onBusybox(places, large));
  const reference = registry.publish(layout, `ten:${round}`);
  const wherry = wherryCommand(executable, { ...places, name: `ten-${round}`, env: { CONTAINERS_REGISTRIES_CONF: registries } });
  const manifests = Array.from({ length: 10 }, (_, index) => writePod(places.disk, `ten-${round}-${index}`, reference));
  const before = registry.fetched().length;
  await settle(places.disk);
  const taken = await seconds(async () => void (await Promise.all(manifests.map(({ file }) => wherry("play", "--quiet", file)))));
  const times = [...Map.groupBy(registry.fetched().slice(before), (digest) => digest).values()].map(({ length }) => length);
  await wherry("down", "--all");
  samples.add("fetched", "wherry", Math.max(0, ...times));
  samples.add("ten", "wherry", taken);
  say(`ten services, one image: ${taken.toFixed(2)} s, blobs fetched ${times.join(", ")} times`);
}

interface Variant {
  readonly key: string;
  readonly image: string;
  readonly wherry: Wherry;
}

const COUNTS = [1, 10, 100] as const;

/** One pod is played and taken down, with every variant in turn. */
async function starts(bench: ImageBench, repetitions: number): Promise<void> {
  const variants = [...(await layerVariants(bench)), ...(await imageVariants(bench))];
  for (let repetition = -1; repetition < repetitions; repetition += 1) { // the first does not count
    for (const { key, image, wherry } of variants) {
      const { file, service } = writePod(bench.places.disk, key.replaceAll(" ", "-"), image);
      const taken = await seconds(() => wherry("play", "--quiet", file));
      await wherry("down", service);
      if (repetition >= 0) bench.samples.add(key, "wherry", taken);
    }
  }
  bench.say(COUNTS.flatMap((count) => [startKey("layers", count), startKey("images", count)]).map((key) => `${key}: ${bench.samples.median(key, "wherry")?.toFixed(3)} s`).join(", "));
}

/** One store, with three images of so many layers. */
async function layerVariants({ places, executable, say }: ImageBench): Promise<readonly Variant[]> {
  say("start: prepare layers");
  const wherry = wherryCommand(executable, { ...places, name: "start-layers" });
  const variants: Variant[] = [];
  for (const count of COUNTS) {
    const image = `localhost/layers:${count}`;
    const more = Array.from({ length: count - 1 }, (_, index) => [{ name: `layer-${index}`, content: "x" }]);
    const { directory } = await writeImageLayout(`${places.disk}/layers-${count}`, onBusybox(places, more));
    await wherry("image", "import", "--quiet", directory, image);
    variants.push({ key: startKey("layers", count), image, wherry });
  }
  return variants;
}

/** Three stores, with so many images. */
async function imageVariants({ places, executable, say }: ImageBench): Promise<readonly Variant[]> {
  say("start: prepare images");
  const variants: Variant[] = [];
  for (const count of COUNTS) {
    const wherry = wherryCommand(executable, { ...places, name: `start-images-${count}` });
    mkdirSync(`${places.disk}/images-${count}`);
    await wherry("image", "import", "--quiet", places.archive, "localhost/images:1");
    for (let index = 1; index < count; index += 1) {
      const { archive } = writeTar(`${places.disk}/images-${count}/${index}.tar`, [{ name: `image-${index}`, content: "x" }]);
      await wherry("image", "import", "--quiet", archive, `localhost/other:${index}`);
    }
    variants.push({ key: startKey("images", count), image: "localhost/images:1", wherry });
  }
  return variants;
}
