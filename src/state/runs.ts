/** The lives of service containers. */
import type { Database } from "./database.ts";
import { RUNS } from "./rows.ts";
import type { RuntimeState } from "./state.ts";

export function runs(database: Database): Pick<RuntimeState, "runs" | "run" | "putRun" | "updateRun" | "removeRun"> {
  return {
    runs: () => database.select(RUNS, "ORDER BY service"),
    run: (service) => database.selectOne(RUNS, "WHERE service = ?", [service]),
    putRun: (run) => database.transaction(() => {
      database.run("DELETE FROM runs WHERE service = ?", [run.service]);
      database.run(RUNS.insert, RUNS.values(run));
    }),
    updateRun: (service, change) => void database.update(RUNS, change, { where: "service = ?", values: [service] }),
    removeRun: (service) => void database.run("DELETE FROM runs WHERE service = ?", [service]),
  };
}
