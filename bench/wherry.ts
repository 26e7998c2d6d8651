/** wherry: the compiled executable, with directories of its own. */
import type { Engine, Places } from "./engine.ts";
import { runInto } from "./command.ts";
import { IMAGE } from "./manifest.ts";

export function wherryEngine(executable: string, places: Places): Engine {
  const env = { WHERRY_ROOT: `${places.disk}/wherry`, WHERRY_RUNROOT: `${places.memory}/wherry`, WHERRY_LOGS: `${places.disk}/wherry-logs` };
  const run = runInto(`${places.disk}/wherry.log`);
  const wherry = (...words: readonly string[]): Promise<void> => run([executable, ...words], { env });
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
