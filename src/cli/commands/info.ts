/** `wherry info`: where this wherry keeps things, and how much there is. */
import { version } from "../../../package.json" with { type: "json" };
import type { Command, Outcome } from "../command.ts";
import { hasCreds } from "../../systemd/creds.ts";
import { findingsOf, summary } from "../doctor/findings.ts";
import { gatherFacts, gatherStopTimeout } from "../doctor/gather.ts";
import { line, render } from "../describe/lines.ts";
import { output } from "../options.ts";
import { humanSize } from "../size.ts";

export const command: Command = {
  options: [output("json", "yaml")],
  words: [],
  async run(context, input): Promise<Outcome> {
    const [durable, runtime, oci] = [await context.engine.durable(), await context.engine.runtime(), await context.engine.oci()];
    const pods = runtime.pods();
    const facts = { ...gatherFacts(context.paths, context), ...(await gatherStopTimeout(context.uid)) };
    const host = summary(findingsOf(facts));
    const value = {
      version,
      bun: Bun.version,
      ociRuntime: oci.name,
      user: facts.user.name,
      cgroups: { version: facts.cgroups.version, controllers: facts.cgroups.delegated },
      host,
      paths: { durable: context.paths.durable, runtime: context.paths.runtime, logs: context.paths.logs },
      services: { played: durable.services().length, running: runtime.runs().filter((run) => run.phase !== "ended").length },
      pods: { total: pods.length, ready: pods.filter((pod) => pod.readyAt > 0).length },
      images: durable.images.images().length,
      volumes: durable.claims.all().length,
      secrets: hasCreds() ? "encrypted" : "clear",
    };
    if (input.text("output") !== undefined) return { kind: "value", value };
    const text = render([
      line("Version", `${value.version} (Bun ${value.bun})`),
      line("OCI Runtime", value.ociRuntime),
      line("User", value.user),
      line("Cgroups", [value.cgroups.version, ...value.cgroups.controllers].join(" ")),
      line("Host", `${value.host} (wherry doctor)`),
      line("Durable State", `${value.paths.durable} (${facts.durable.type}, ${humanSize(facts.durable.free)} free)`),
      line("Runtime State", `${value.paths.runtime} (${facts.runtime.type}, ${humanSize(facts.runtime.free)} free)`),
      line("Logs", value.paths.logs),
      line("Services", `${value.services.running} running, ${value.services.played} played`),
      line("Pods", `${value.pods.ready} ready of ${value.pods.total}`),
      line("Images", `${value.images}`),
      line("Volumes", `${value.volumes}`),
      line("Secrets", value.secrets === "encrypted" ? "encrypted at rest (systemd-creds)" : `not encrypted at rest: ${context.uid === 0 ? "this host has no systemd-creds" : "the key of systemd-creds is root's"}; the database is readable by its owner alone`),
    ]);
    return { kind: "text", text };
  },
};
