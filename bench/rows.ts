/** The rows of the table, and what each is to reach. */
import type { EngineName } from "./engine.ts";
import type { Payload } from "./manifest.ts";

export type Unit = "s" | "ms" | "MB" | "%" | "bytes" | "times";

/** `most` in the row's unit, or times the value of another engine, or of wherry itself in another row. */
export interface Aim {
  readonly most: number;
  readonly times?: EngineName;
  readonly than?: { readonly key: string; readonly words: string };
}

export interface Row {
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  readonly aims: readonly Aim[];
}

export const playKey = (size: number): string => `play ${size}`;
export const downKey = (size: number, payload: Payload): string => `down ${size} ${payload}`;
export const memoryKey = (size: number): string => `memory ${size}`;
export const dirtyKey = (size: number): string => `dirty ${size}`;

export const pullKey = (image: string): string => `pull ${image}`;
export const unpackKey = (image: string, way: "in turn" | "at once"): string => `unpack ${image} ${way}`;
export const startKey = (of: "layers" | "images", count: number): string => `start ${of} ${count}`;

const podman = (most: number): Aim => ({ most, times: "Podman" });
const floor = (most: number): Aim => ({ most, times: "floor" });

const row = (key: string, title: string, unit: Unit, ...aims: readonly Aim[]): Row => ({ key, title, unit, aims }); // one line per row reads best

export const PLAY_ROWS: readonly Row[] = [
  row(playKey(1), "`play`, 1 pod", "s", podman(0.5), floor(1.5)),
  row(playKey(10), "`play`, 10 pods", "s", floor(1.5)),
  row(playKey(50), "`play`, 50 pods", "s", podman(0.25), floor(1.5)),
  row(downKey(1, "obeying"), "`down`, 1 pod that ends at SIGTERM", "s"),
  row(downKey(10, "obeying"), "`down`, 10 pods that end at SIGTERM", "s"),
  row(downKey(50, "obeying"), "`down`, 50 pods that end at SIGTERM", "s"),
  row(downKey(50, "ignoring"), "`down`, 50 pods that ignore SIGTERM, grace period 2 s", "s", { most: 3.5 }),
  row("ps", "`ps`, 50 containers", "ms", podman(0.5), { most: 100 }),
  row("reads", "slowest other command that only reads, 50 containers", "ms", { most: 100 }),
  row("version", "`version`: start-up of the command", "ms"),
  row(dirtyKey(1), "private memory of the supervisor (Private_Dirty), 1 pod", "MB", { most: 12 }),
  row(dirtyKey(50), "private memory of the supervisor (Private_Dirty), 50 pods", "MB", { most: 12 }),
  row(memoryKey(1), "the same with the pages of the executable that only it has read (Private_Clean), 1 pod", "MB"),
  row(memoryKey(50), "the same with those pages, 50 pods", "MB"),
  row("cpu", "processor time of the idle supervisor, 50 pods", "%", { most: 0.1 }),
  row("probed cpu", "processor time of the supervisor of 10 pods with an httpGet probe every 10 s", "%", { most: 0.1 }),
  row("probed written", "disk writes of that supervisor", "bytes", { most: 0 }),
  row("written", "disk writes of the idle supervisor, 50 pods", "bytes", { most: 0 }),
];

/** Of an ordinary user, in the emulated machine. */
export const ROOTLESS_ROWS: readonly Row[] = [
  row(playKey(1), "`play` by an ordinary user, 1 pod", "s", podman(0.5)),
  row(playKey(10), "`play` by an ordinary user, 10 pods", "s", podman(0.3)),
  row(downKey(1, "obeying"), "`down` by an ordinary user, 1 pod", "s"),
  row(downKey(10, "obeying"), "`down` by an ordinary user, 10 pods", "s"),
];

const asOne = (of: "layers" | "images"): Aim => ({ most: 1.2, than: { key: startKey(of, 1), words: "1" } });

export const IMAGE_ROWS: readonly Row[] = [
  row(pullKey("big"), "pull, 500 MB in 60,000 files and 6 layers", "s", podman(0.7)),
  row(pullKey("many"), "pull, 40 layers of 300 files", "s", podman(0.7)),
  row(unpackKey("big", "in turn"), "unpacking the layers of the first; floor: `bsdtar`, one after the other", "s", floor(1.2)),
  row(unpackKey("big", "at once"), "the same; floor: `bsdtar`, all at once", "s", floor(1.2)),
  row(unpackKey("many", "in turn"), "unpacking the layers of the second; floor: `bsdtar`, one after the other", "s", floor(1.2)),
  row(unpackKey("many", "at once"), "the same; floor: `bsdtar`, all at once", "s", floor(1.2)),
  row("fetched", "`play` of ten services at once that want one missing image: how often a blob was fetched, at most", "times", { most: 1 }),
  row("ten", "the same: until all ten run", "s"),
  ...([1, 10, 100] as const).map((count) => row(startKey("layers", count), `\`play\`, 1 pod, image of ${count} layers`, "s", ...(count === 1 ? [] : [asOne("layers")]))),
  ...([1, 10, 100] as const).map((count) => row(startKey("images", count), `\`play\`, 1 pod, ${count} images in the store`, "s", ...(count === 1 ? [] : [asOne("images")]))),
];
