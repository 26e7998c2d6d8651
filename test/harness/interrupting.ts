/** Killing commands at moments that a seed repeats. */
import { drawing } from "./random.ts";
import { type Room, type RunOptions, WHERRY } from "./room.ts";

/** Milliseconds below `longest`; WHERRY_SEED=… runs the same again. */
export function delays(count: number, longest: number): readonly number[] {
  const seed = Number(process.env["WHERRY_SEED"] ?? Date.now() % 100_000);
  console.log(`delays of seed ${seed} (WHERRY_SEED=${seed} repeats them)`);
  const draw = drawing(seed);
  return Array.from({ length: count }, () => draw(Math.ceil(longest)));
}

export interface Interruption {
  readonly words: readonly string[];
  /** Milliseconds until it is killed. */
  readonly delay: number;
}

/** Starts wherry and kills it (-9) when the time has come; later when it has not entered the room by then. */
export async function interrupted(room: Room, { words, delay }: Interruption, options: RunOptions = {}): Promise<void> {
  const command = room.start([WHERRY, ...words], options);
  await Bun.sleep(delay);
  try {
    command.kill("SIGKILL");
  } catch {
    // it has ended already
  }
  await command.exited;
}
