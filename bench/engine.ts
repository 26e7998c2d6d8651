/**
 * What is compared. An *engine* plays manifests and takes them down; the benchmark measures the commands from outside,
 * and knows of an engine only what is here.
 */
import type { Manifest } from "./manifest.ts";

export interface Engine {
  readonly name: EngineName;
  /** Makes the engine's own directories and imports the image; not measured. */
  prepare(): Promise<void>;
  /** Writes what `play` needs to find; not measured. */
  readonly stage?: (manifest: Manifest) => Promise<void>;
  /** Returns when every container of the manifest has been started. */
  play(manifest: Manifest): Promise<void>;
  /** Stops and removes everything that `play` made. */
  down(manifest: Manifest): Promise<void>;
  /** Lists what runs. Absent: there is nothing to ask. */
  readonly ps?: () => Promise<void>;
  /** The least that the command can do. */
  readonly version?: () => Promise<void>;
  /** Other commands that only read, by their words. */
  readonly reads?: Readonly<Record<string, () => Promise<void>>>;
}

export const ENGINES = ["wherry", "Podman", "floor"] as const;
export type EngineName = (typeof ENGINES)[number];

/** Where a run keeps things. */
export interface Places {
  /** On disk, the run's own, gone afterwards: what must survive a power cut. */
  readonly disk: string;
  /** On the room's tmpfs: what lives as long as the kernel objects. */
  readonly memory: string;
  /** Archive of the image's root filesystem. */
  readonly archive: string;
}
