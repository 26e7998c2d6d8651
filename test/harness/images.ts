/**
 * The images that tests and benchmarks pull, made here from a seed, so that every run has the same ones. Those that take
 * a while are kept below `.cache`, by the content of the files that make them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../../src/base/errors.ts";
import { digestOf, type Member, tar } from "../../src/storage/fixtures.ts";
import { type ImageSource, type Layout, readLayout, writeImageLayout } from "./layout.ts";
import { type Draw, drawing, noise } from "./random.ts";
import { CHECKOUT } from "./room.ts";

const MAKERS = ["images.ts", "layout.ts", "random.ts", "../../src/storage/fixtures.ts"];

/** A layout made once per checkout. It comes to its place by rename, so that it is there as a whole or not at all. */
export async function cachedLayout(name: string, image: () => ImageSource): Promise<Layout> {
  const version = digestOf(MAKERS.map((each) => readFileSync(`${import.meta.dir}/${each}`, "utf8")).join("")).slice(7, 19);
  const place = `${CHECKOUT}/.cache/images/${name}-${version}`;
  if (existsSync(place)) return readLayout(place);
  const made = `${place}.${process.pid}`;
  mkdirSync(dirname(place), { recursive: true });
  await writeImageLayout(made, image());
  try {
    renameSync(made, place);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOTEMPTY" && errnoOf(thrown) !== "EEXIST") throw thrown;
    rmSync(made, { recursive: true }); // another process was first
  }
  return readLayout(place);
}

/** 500 MB in 60,000 files and six layers, the first of them as large as three others; gzip halves it. */
export const bigImage = (): Promise<Layout> => cachedLayout("big", () => ({ layers: bigLayers({ bytes: 500e6, files: 60_000 }), config: { Cmd: ["/bin/true"] } }));

/** Forty layers of some hundred files, most of which change what the layers below have. */
export const manyLayers = (): Promise<Layout> => cachedLayout("layers-40", () => ({ layers: changingLayers({ layers: 40, files: 300, seed: 40 }), config: { Cmd: ["/bin/true"] } }));

const SHARES = [3, 1, 1, 1, 1, 1] as const;
const WHOLE = SHARES.reduce<number>((sum, share) => sum + share, 0);

interface Amount {
  readonly bytes: number;
  readonly files: number;
}

/** Layers of small files: most of some kilobytes, some of hundreds. */
export function bigLayers({ bytes, files }: Amount): readonly (() => Uint8Array)[] {
  return SHARES.map((share, index) => () => {
    const draw = drawing(500 + index);
    const weights = Array.from({ length: Math.round((files * share) / WHOLE) }, () => weightOf(draw));
    const scale = (bytes * share) / WHOLE / weights.reduce((sum, each) => sum + each, 0);
    return tar(smallFiles(`opt/part${index}`, { sizes: weights.map((weight) => Math.round(weight * scale)), draw }));
  });
}

/** Kilobytes, as they are in the packages of a distribution. */
function weightOf(draw: Draw): number {
  const percent = draw(100);
  const [low, high] = percent < 60 ? [1, 4] : percent < 90 ? [4, 16] : percent < 99 ? [16, 64] : [64, 256];
  return low + (draw(1000) / 1000) * (high - low);
}

/** Files a directory. */
const CROWD = 15;

function smallFiles(home: string, { sizes, draw }: { readonly sizes: readonly number[]; readonly draw: Draw }): readonly Member[] {
  const content = contentOf(draw, Math.max(...sizes));
  const directory = (path: string): Member => ({ name: `${path}/`, type: "directory", mtime: 1_700_000_000 });
  const parents = [directory("opt"), directory(home)];
  return [...parents, ...sizes.flatMap((size, index) => {
    const path = `${home}/d${Math.floor(index / CROWD)}`;
    const file: Member = { name: `${path}/file-${index}.dat`, content: content(size), mode: draw(10) === 0 ? 0o755 : 0o644, mtime: 1_700_000_000 + index };
    return index % CROWD === 0 ? [directory(path), file] : [file];
  })];
}

/** Content of which one half does not compress and the other does. */
function contentOf(draw: Draw, longest: number): (size: number) => Uint8Array {
  const hard = noise(draw, 4e6 + longest);
  const words = Array.from({ length: 300 }, () => "abcdefghijklmnopqrstuvwxyz".slice(draw(20)).slice(0, 2 + draw(6)));
  const phrases = Array.from({ length: 100 }, () => Array.from({ length: 12 }, () => words[draw(words.length)]).join(" "));
  const soft = Buffer.from(Array.from({ length: (100_000 + longest) / 20 }, () => phrases[draw(phrases.length)]).join("\n"));
  return (size) => {
    const half = Math.floor(size / 2);
    const [a, b] = [draw(4e6), draw(100_000)];
    return Buffer.concat([hard.subarray(a, a + half), soft.subarray(b, b + size - half)]);
  };
}

interface Changing {
  readonly layers: number;
  /** New files in each layer. */
  readonly files: number;
  readonly seed: number;
}

/**
 * Layers that each add a directory, and take away, replace, hide and turn into something else what the three below have
 * added. With the same seed, fewer layers are the lowest of more.
 */
export function changingLayers({ layers, files, seed }: Changing): readonly Uint8Array[] {
  return Array.from({ length: layers }, (_, level) => tar(layerAt(level, { files, draw: drawing(seed * 1000 + level) })));
}

interface Level {
  readonly files: number;
  readonly draw: Draw;
}

function layerAt(level: number, { files, draw }: Level): readonly Member[] {
  const mtime = 1_600_000_000 + level * 1000;
  const file = (name: string, mode = 0o644): Member => ({ name, mode, mtime: mtime + draw(1000), uid: draw(3) * 1000, content: `${level} ${"x".repeat(draw(3000))}` });
  const directory = (name: string): Member => ({ name: `${name}/`, type: "directory", mtime, mode: 0o755 });
  const fresh = `data/${level}`;
  const added = Array.from({ length: files }, (_, index) => file(`${fresh}/f${index}`, index % 7 === 0 ? 0o755 : 0o640));
  const own = [directory("data"), directory(fresh), ...added, directory(`${fresh}/sub`), ...[0, 1, 2].map((index) => file(`${fresh}/sub/s${index}`)), { name: `${fresh}/link`, type: "symlink", link: "f0", mtime } as const];
  return [...own, ...changes(level, { file, directory })];
}

interface Make {
  readonly file: (name: string, mode?: number) => Member;
  readonly directory: (name: string) => Member;
}

/** Of layers three apart at most: what one takes away as a whole none above speaks of. */
function changes(level: number, { file, directory }: Make): readonly Member[] {
  const [one, two, three] = [`data/${level - 1}`, `data/${level - 2}`, `data/${level - 3}`];
  const below = level < 1 ? [] : [
    directory(one),
    ...Array.from({ length: 10 }, (_, index) => file(`${one}/.wh.f${index}`)),
    ...Array.from({ length: 20 }, (_, index) => file(`${one}/f${20 + index}`, 0o600)),
    directory(`${one}/f11`), file(`${one}/f11/inside`), // a file becomes a directory
    file(`${one}/link`), // a link becomes a file
  ];
  const opaque = level % 5 === 4 ? [directory(two), directory(`${two}/sub`), file(`${two}/sub/.wh..wh..opq`), file(`${two}/sub/only`)] : [];
  const gone = level % 7 === 6 ? [file(`data/.wh.${level - 3}`)] : [];
  const flat = level % 7 === 5 ? [directory(three), file(`${three}/sub`)] : []; // a directory becomes a file
  return [...below, ...opaque, ...gone, ...flat];
}
