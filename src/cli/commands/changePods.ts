/** `wherry pod stop|start|restart|kill|rm` and `wherry delete pod`: one shape for all. */
import { fail } from "../../base/errors.ts";
import type { Engine } from "../../service/engine.ts";
import type { ServiceName } from "../../spec/spec.ts";
import type { PodRecord } from "../../state/state.ts";
import { changePods } from "../../supervisor/down.ts";
import type { PodVerb } from "../../supervisor/protocol.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { changing, handCgroup, progressWriter, supervisorEnv, waitingWriter } from "../changing.ts";
import { findPod, podWord } from "../find.ts";
import { ALL_NAMESPACES, GRACE, gracePeriod, NAMESPACE, namespaceOf } from "../options.ts";

const DONE: Readonly<Record<PodVerb, string>> = { stop: "stopped", start: "started", restart: "restarted", kill: "killed", remove: "removed" };

/** The command of one verb. */
export function podCommand(verb: PodVerb): Command {
  const signal = { long: "signal", short: "s", value: "SIGNAL", summary: "signal to send (KILL)" };
  const graceful = verb === "stop" || verb === "restart" || verb === "remove";
  return {
    options: [NAMESPACE, ALL_NAMESPACES, { long: "all", short: "a", summary: "every pod of the namespace" }, ...(graceful ? [GRACE] : []), ...(verb === "kill" ? [signal] : []), { long: "quiet", short: "q", summary: "no progress" }],
    words: [{ name: "POD", optional: true, repeat: true, complete: "pods" }],
    run: (context, input) => change(context, input, { verb, grace: graceful ? gracePeriod(input) : undefined, signal: verb === "kill" ? input.text("signal") : undefined }),
  };
}

interface Change {
  readonly verb: PodVerb;
  readonly grace: number | undefined;
  readonly signal: string | undefined;
}

/** Changes the pods that the words name, side by side, one request per service. */
export async function change(context: Context, input: Input, { verb, grace, signal }: Change): Promise<Outcome> {
  using engine = changing(context);
  const pods = asked(engine, input);
  const write = progressWriter(context, input.flag("quiet"));
  const onProgress: typeof write = (progress) => void (progress.what === DONE[verb] || write(progress)); // it is the answer, printed at the end
  const byService = Map.groupBy(pods, (pod) => pod.service);
  await Promise.all([...byService].map(([service, own]) => changePods(engine, {
    service, verb, uids: own.map(({ uid }) => uid), onProgress, onWaiting: waitingWriter(context),
    ...surroundings(engine, context, service),
    ...(grace === undefined ? {} : { grace }),
    ...(signal === undefined ? {} : { signal }),
  })));
  return { kind: "text", text: pods.map(({ pod }) => `pod/${pod.metadata.name} ${DONE[verb]}`).join("\n") };
}

function asked(engine: Engine, input: Input): readonly PodRecord[] {
  const namespace = namespaceOf(input, { all: true });
  const { state } = engine.host;
  if (input.flag("all")) return state.pods(namespace === undefined ? {} : { namespace });
  if (input.words.length === 0) fail("usage", "Cannot change pods: name one, or use --all");
  return input.words.map((word) => findPod(state, { namespace: namespace ?? "default", name: podWord(word) }));
}

/** A service container that has to be started again stays where it was. A unit's is started by systemd. */
export function surroundings(engine: Engine, context: Context, service: ServiceName): { cgroup: string; unit: string; env: Readonly<Record<string, string>> } {
  const run = engine.host.state.run(service);
  const byHand = run === undefined || run.unit === "";
  return { cgroup: byHand ? handCgroup(context, service, engine) : run.cgroup, unit: byHand ? "" : run.unit, env: supervisorEnv(context) };
}
