/** The rows of the table, and what each is to reach. */
import type { EngineName } from "./engine.ts";
import type { Payload } from "./manifest.ts";

export type Unit = "s" | "ms" | "MB" | "%" | "bytes";

/** `most` in the row's unit, or times another engine's value. */
export interface Aim {
  readonly most: number;
  readonly times?: EngineName;
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

const podman = (most: number): Aim => ({ most, times: "Podman" });
const floor = (most: number): Aim => ({ most, times: "floor" });

const row = (key: string, title: string, unit: Unit, ...aims: readonly Aim[]): Row => ({ key, title, unit, aims }); // one line per row reads best

export const ROWS: readonly Row[] = [
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
  row("written", "disk writes of the idle supervisor, 50 pods", "bytes", { most: 0 }),
];
