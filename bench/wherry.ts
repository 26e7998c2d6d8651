/** wherry: the compiled executable, with directories of its own. */
import type { Engine, Places } from "./engine.ts";
import { runInto } from "./command.ts";
import { IMAGE } from "./manifest.ts";

/** Runs one wherry command. */
export type Wherry = (...words: readonly string[]) => Promise<void>;

export interface WherryPlaces extends Places {
  /** Name of its directories below those of the run. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** wherry with directories of its own. */
export function wherryCommand(executable: string, { disk, memory, name, env }: WherryPlaces): Wherry {
  const run = runInto(`${disk}/wherry.log`);
  const directories = { WHERRY_ROOT: `${disk}/${name}`, WHERRY_RUNROOT: `${memory}/${name}`, WHERRY_LOGS: `${disk}/${name}-logs` };
  return (...words) => run([executable, ...words], { env: { ...directories, ...env } });
}

export function wherryEngine(executable: string, places: Places): Engine {
  const wherry = wherryCommand(executable, { ...places, name: "wherry" });
  const reading = (line: string): readonly [string, () => Promise<void>] => [line, () => wherry(...line.split(" "))];
  return {
    name: "wherry",
    prepare: () => wherry("image", "import", places.archive, IMAGE),
    play: ({ file }) => wherry("play", "--quiet", file),
    down: ({ service }) => wherry("down", service),
    ps: () => wherry("ps"),
    version: () => wherry("version"),
    reads: Object.fromEntries(["get pods -A -o json", "get pods -A", "describe pod p1", "events", "logs p1", "image ls"].map(reading)),
  };
}
