/** Unpacking alone: the layers of an image by wherry, and by `bsdtar`, which checks nothing, records nothing and syncs nothing. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { blobPath, type Layout, manifestOf } from "../test/harness/layout.ts";
import { outputOf, type Run, seconds, settle } from "./command.ts";
import { unpackKey } from "./rows.ts";
import type { Samples } from "./samples.ts";

const UNPACK = resolve(import.meta.dir, "unpackLayers.ts");

export interface Unpacking {
  readonly samples: Samples;
  readonly run: Run;
  readonly disk: string;
  readonly say: (line: string) => void;
}

/** One round: wherry once, bsdtar in both ways. wherry's number stands in both rows. */
export async function unpackRound({ samples, run, disk, say }: Unpacking, image: string, layout: Layout): Promise<void> {
  const home = `${disk}/unpacked-${image}-${crypto.randomUUID().slice(0, 8)}`;
  await settle(disk);
  const own = Number(await outputOf([process.execPath, UNPACK, `${home}/wherry`, layout.directory]));
  const layers = manifestOf(layout).layers.map(({ digest }) => blobPath(layout, digest));
  const extract = (way: string) => async (blob: string, index: number): Promise<void> => {
    const directory = `${home}/${way}/${index}`;
    mkdirSync(directory, { recursive: true });
    await run(["bsdtar", "-xpf", blob, "-C", directory]);
  };
  await settle(disk);
  const inTurn = await seconds(async () => {
    for (const [index, blob] of layers.entries()) await extract("in-turn")(blob, index);
  });
  await settle(disk);
  const atOnce = await seconds(async () => void (await Promise.all(layers.map(extract("at-once")))));
  for (const [way, floor] of [["in turn", inTurn], ["at once", atOnce]] as const) {
    samples.add(unpackKey(image, way), "wherry", own);
    samples.add(unpackKey(image, way), "floor", floor);
  }
  say(`unpack ${image}: wherry ${own.toFixed(2)} s, bsdtar in turn ${inTurn.toFixed(2)} s, at once ${atOnce.toFixed(2)} s`);
}
