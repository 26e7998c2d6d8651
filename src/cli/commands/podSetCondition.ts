/** `wherry pod set-condition`: opens and closes the readiness gates of a pod. */
import { fail } from "../../base/errors.ts";
import { STANDARD } from "../../pod/conditions.ts";
import type { PodRecord } from "../../state/state.ts";
import { setCondition } from "../../supervisor/down.ts";
import type { PodCondition } from "../../supervisor/protocol.ts";
import { changing, progressWriter } from "../changing.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { findPod, podWord } from "../find.ts";
import { NAMESPACE, namespaceOf } from "../options.ts";
import { surroundings } from "./changePods.ts";

export const command: Command = {
  description: "A pod with readinessGates is Ready when its containers are and these conditions are True. In a cluster a controller sets them, here whoever knows.",
  examples: ["wherry pod set-condition web example.com/warmed-up=True"],
  options: [NAMESPACE],
  words: [{ name: "POD", complete: "pods" }, { name: "TYPE=True|False" }],
  run,
};

async function run(context: Context, input: Input): Promise<Outcome> {
  const [pod = "", text = ""] = input.words;
  using engine = changing(context);
  const record = findPod(engine.host.state, { namespace: namespaceOf(input, { all: false }) ?? "default", name: podWord(pod) });
  const condition = conditionOf(text, record);
  const { uid, service } = record;
  await setCondition(engine, { service, uid, condition, cgroup: surroundings(engine, context, service).cgroup, onProgress: progressWriter(context, true) });
  return { kind: "text", text: `pod/${record.pod.metadata.name} condition ${condition.type} set to ${condition.status}` };
}

function conditionOf(text: string, { pod }: PodRecord): PodCondition {
  const [, type = "", status] = /^(.+)=(True|False)$/.exec(text) ?? [];
  if (status !== "True" && status !== "False") fail("usage", `Cannot set condition "${text}": it must be TYPE=True or TYPE=False`);
  if (STANDARD.has(type)) fail("usage", `Cannot set condition "${type}": it follows from the pod's containers`);
  const gates = (pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  if (!gates.includes(type)) {
    fail("usage", `Cannot set condition "${type}": no readiness gate of pod "${pod.metadata.name}" waits for it`, gates.length === 0 ? {} : { hint: `it waits for ${gates.join(", ")}` });
  }
  return { type, status };
}
