/** The containers of pods. */
import type { Database } from "./database.ts";
import { CONTAINERS } from "./rows.ts";
import type { RuntimeState } from "./state.ts";

export function containers(database: Database): Pick<RuntimeState, "containers" | "updateContainer"> {
  return {
    containers: (pod) => pod === undefined
      ? database.select(CONTAINERS, "ORDER BY pod, kind = 'main', position")
      : database.select(CONTAINERS, "WHERE pod = ? ORDER BY kind = 'main', position", [pod]), // init containers and sidecars first
    updateContainer: (pod, name, change) =>
      void database.update(CONTAINERS, change, { where: "pod = ? AND name = ?", values: [pod, name] }),
  };
}
