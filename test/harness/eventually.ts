/** Waiting for what tells nobody when it happens (a kernel's clean-up, another process's death). */
import { messageOf } from "../../src/base/errors.ts";
import { paced } from "./pace.ts";

/** Tries `attempt` until it no longer throws; its last error when the time, by the pace of the room, is over. */
export async function eventually<T>(attempt: () => Promise<T>, options: { readonly within: number }): Promise<T> {
  const deadline = performance.now() + paced(options.within);
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      if (performance.now() > deadline) throw new Error(`After ${options.within} ms: ${messageOf(thrown)}`, { cause: thrown });
      await Bun.sleep(50);
    }
  }
}
