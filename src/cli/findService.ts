/** A service by name: what was played, and what runs of it. */
import { fail } from "../base/errors.ts";
import type { ObjectRecord, ServiceRecord, ServiceRun } from "../state/state.ts";
import type { Context } from "./context.ts";
import { didYouMean } from "./suggest.ts";

export interface FoundService {
  readonly record: ServiceRecord | undefined;
  readonly run: ServiceRun | undefined;
  readonly objects: readonly ObjectRecord[];
}

/** Fails with kind `notFound` when neither database knows it. */
export async function findService(context: Context, name: string): Promise<FoundService> {
  const [durable, runtime] = [await context.engine.durable(), await context.engine.runtime()];
  const record = durable.service(name);
  const run = runtime.run(name);
  if (record === undefined && run === undefined) {
    const known = [...durable.services().map((each) => each.name), ...runtime.runs().map((each) => each.service)];
    fail("notFound", `Cannot find service "${name}": it does not exist`, didYouMean(name, known));
  }
  return { record, run, objects: durable.objects(name) };
}
