/** `wherry down FILE|SERVICE…`: stops and removes services; volumes stay unless asked for. */
import { fail } from "../../base/errors.ts";
import type { Engine } from "../../service/engine.ts";
import { claimsOf, removeVolume } from "../../service/claimVolumes.ts";
import type { ServiceName } from "../../spec/spec.ts";
import { down } from "../../supervisor/down.ts";
import { handsDown } from "../../runtime/cgroup.ts";
import { notifier } from "../../systemd/notify.ts";
import type { ProcessUnit } from "../../systemd/host.ts";
import type { Notifier } from "../../systemd/systemd.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { changing, knownServices, progressWriter, runningUnit, serviceOf } from "../changing.ts";
import { gracePeriod, GRACE } from "../options.ts";

export const command: Command = {
  description: "Needs no YAML: a service is named by its name or by a file it was played from. What is gone already is success.",
  examples: ["wherry down shop.yaml", "wherry down shop", "wherry down --all"],
  options: [
    { long: "all", short: "a", summary: "every service" },
    { long: "volumes", summary: "remove the service's volumes too, with what is in them" },
    { long: "force", summary: "the same as --volumes, as in podman kube down" },
    GRACE,
    { long: "quiet", short: "q", summary: "no progress" },
    { long: "unit", value: "UNIT", summary: "the systemd unit that takes down (used by wherry@.service)" },
    { long: "stop-post", summary: "clean up after a unit that has ended (used by wherry@.service)" },
  ],
  words: [{ name: "FILE|SERVICE", optional: true, repeat: true, complete: "services" }],
  run,
};

async function run(context: Context, input: Input): Promise<Outcome> {
  using engine = changing(context);
  const services = asked(engine, context, input);
  const grace = gracePeriod(input);
  const onProgress = progressWriter(context, input.flag("quiet"));
  const name = input.text("unit");
  const unit = name === undefined ? undefined : runningUnit(name);
  const stop = unit !== undefined && !input.flag("stop-post");
  using _time = moreTime(notifier(context.notifySocket), { stopping: stop });
  const options = { onProgress, ...(grace === undefined ? {} : { grace }) };
  const there = knownServices(engine);
  const ends = await Promise.allSettled(services.map((service) => takeOne(engine, { service, input, options, unit })));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const answers = ends.flatMap((end) => (end.status === "rejected" || !end.value.ours ? [] : [end.value.service]));
  return { kind: "text", text: answers.flatMap((service) => answer(service, { unit, there: there.includes(service) })).join("\n") };
}

/** Asks systemd for more time again and again, as long as it is held: grace periods may be longer than TimeoutStopSec=. */
function moreTime(notify: Notifier, { stopping }: { readonly stopping: boolean }): Disposable {
  if (stopping) notify.send({ stopping: true, status: "stopping" });
  const ask = (): boolean => notify.send({ extendTimeoutUsec: 30_000_000 });
  const timer = notify.active && ask() ? setInterval(ask, 10_000) : undefined;
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** A unit takes down after every end, mostly after its service has taken itself down: nothing to tell then. */
function answer(service: ServiceName, { unit, there }: { readonly unit: ProcessUnit | undefined; readonly there: boolean }): readonly string[] {
  if (there) return [`service/${service} removed`];
  return unit === undefined ? [`service/${service} is not there: nothing to remove`] : [];
}

function asked(engine: Engine, context: Context, input: Input): readonly ServiceName[] {
  if (input.flag("all")) return [...new Set([...knownServices(engine), ...(input.flag("volumes") ? engine.durable.claims.all().map(({ service }) => service) : [])])];
  if (input.words.length === 0) fail("usage", "Cannot take down: name a file, a service, or --all");
  // A service that is gone may have left volumes.
  const gone = (word: string): ServiceName | undefined => (input.flag("volumes") ? engine.durable.claims.all().find(({ service }) => service === word)?.service : undefined);
  return [...new Set(input.words.map((word) => gone(word) ?? serviceOf(engine, context, word)))];
}

interface TakeOne {
  readonly service: ServiceName;
  readonly input: Input;
  readonly options: Parameters<typeof down>[2];
  /** The unit that takes down. */
  readonly unit: ProcessUnit | undefined;
}

/** `ours` is false when the service was left alone. */
async function takeOne(engine: Engine, { service, input, options, unit }: TakeOne): Promise<{ readonly service: ServiceName; readonly ours: boolean }> {
  const run = engine.host.state.run(service);
  if (unit !== undefined && run !== undefined && (run.unit !== unit.unit || run.cgroup !== unit.cgroup)) return { service, ours: false }; // another unit's, or played by hand: not ours to end
  if (unit !== undefined && input.flag("stop-post") && crashed(run) && (await restarts(unit))) return { service, ours: false };
  await down(engine, service, options);
  if (input.flag("volumes") || input.flag("force")) for (const claim of claimsOf(engine, service)) await removeVolume(engine, claim);
  return { service, ours: true };
}

/** The supervisor died without saying how the service ended: its pods live on. */
const crashed = (run: ReturnType<Engine["host"]["state"]["run"]>): boolean => run !== undefined && run.readyAt > 0 && (run.phase === "running" || run.phase === "starting");

/**
 * The unit plays again by itself and adopts what lives. On cgroup v2, where controllers have been handed down, systemd
 * can start nothing in the unit's own cgroup while pods live below it (cgroup-v2.rst, "No Internal Process Constraint"),
 * unless it is told to use one below it, which it can be since version 254: then the pods must go before the restart.
 */
async function restarts({ unit, user, cgroup }: ProcessUnit): Promise<boolean> {
  const { systemctl } = await import("../../systemd/units.ts");
  const shown = await systemctl(["show", "--property=Restart", "--property=DelegateSubgroup", unit], { user });
  const property = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(shown)?.[1] ?? "";
  return property("Restart") !== "no" && (property("DelegateSubgroup") !== "" || !handsDown(cgroup));
}
