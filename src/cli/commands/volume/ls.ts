/** `wherry volume ls`: the volumes behind claims. */
import { pathOf } from "../../../pod/claims.ts";
import { podsWith } from "../../../service/claimVolumes.ts";
import type { ClaimRecord, RuntimeState } from "../../../state/state.ts";
import { age } from "../../age.ts";
import type { Command, Listing, Outcome } from "../../command.ts";
import { NAMESPACE, output } from "../../options.ts";
import { columns } from "../../print.ts";
import { inspected } from "./inspect.ts";

export const command: Command = {
  description: "A volume is called like its claim. Those of all namespaces are listed, or of one.",
  options: [NAMESPACE, { long: "quiet", short: "q", summary: "names only" }, output("json", "yaml", "wide")],
  words: [],
  async run(context, input): Promise<Outcome> {
    const [durable, runtime] = [await context.engine.durable(), await context.engine.runtime()];
    const namespace = input.text("namespace");
    const claims = durable.claims.all().filter(({ claim }) => namespace === undefined || claim.metadata.namespace === namespace);
    if (input.flag("quiet")) return { kind: "text", text: claims.map(({ claim }) => claim.metadata.name).join("\n") };
    return { kind: "listing", listings: [listing(claims, { runtime, now: context.now() })] };
  },
};

function listing(claims: readonly ClaimRecord[], { runtime, now }: { readonly runtime: RuntimeState; readonly now: number }): Listing {
  const row = (record: ClaimRecord): readonly string[] => {
    const { metadata, spec } = record.claim;
    const pods = podsWith(runtime, record);
    return [metadata.namespace, metadata.name, record.directory === "" ? record.volume.spec.capacity.storage : spec.resources.requests.storage, record.service, pods.map((name) => `pod/${name}`).join(",") || "<none>", age(record.boundAt, now), pathOf(record)];
  };
  return {
    columns: columns("NAMESPACE,NAME,CAPACITY,SERVICE,USED BY,AGE|PATH"),
    rows: claims.map((record) => ({ name: `volume/${record.claim.metadata.name}`, cells: row(record) })),
    value: () => claims.map((record) => inspected(record, runtime)),
    empty: "No volumes found",
  };
}
