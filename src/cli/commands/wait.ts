/** `wherry wait`: until pods meet a condition, with kubectl's words. */
import { fail } from "../../base/errors.ts";
import { podConditions } from "../../pod/conditions.ts";
import type { PodRecord, RuntimeState } from "../../state/state.ts";
import { parseDuration } from "../age.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { containersOf, findPod, podWord } from "../find.ts";
import { NAMESPACE, namespaceOf, SELECTOR, TIMEOUT } from "../options.ts";
import { parseSelector } from "../selector.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  description: "CONDITION is delete, or condition=TYPE[=STATUS] with TYPE Ready, Initialized, ContainersReady, PodScheduled or PodReadyToStartContainers.",
  examples: ["wherry wait pod web --for=condition=Ready", "wherry wait pod/web --for=delete --timeout 1m", "wherry wait pod -l app=shop --for=condition=Ready"],
  options: [
    NAMESPACE,
    SELECTOR,
    { long: "all", summary: "all pods of the namespace" },
    { long: "for", value: "CONDITION", summary: "what is waited for" },
    TIMEOUT,
  ],
  words: [{ name: "pod", complete: "kinds" }, { name: "NAME", optional: true, repeat: true, complete: "pods" }],
  run: wait,
};

/** What is waited for: a status of a condition, or that the pod is gone. */
type Goal = { readonly kind: "delete" } | { readonly kind: "condition"; readonly type: string; readonly status: string };

async function wait(context: Context, input: Input): Promise<Outcome> {
  const goal = goalOf(input.text("for"));
  const timeout = parseDuration(input.text("timeout") ?? "30s");
  return { kind: "stream", chunks: waiting(context, { pods: await targets(context, input, goal), goal, timeout }) };
}

/** A line for every pod that meets the goal. Fails with kind `timeout`. */
async function* waiting(context: Context, { pods, goal, timeout }: { readonly pods: readonly PodRecord[]; readonly goal: Goal; readonly timeout: number }): AsyncGenerator<string> {
  let open = pods;
  for await (const _ of changes(context, { signal: AbortSignal.timeout(timeout) })) {
    const state = await context.engine.runtime();
    const met = open.filter((pod) => isMet(state, pod, goal));
    for (const pod of met) yield `pod/${pod.pod.metadata.name} condition met\n`;
    open = open.filter((pod) => !met.includes(pod));
    if (open.length === 0) return;
  }
  const names = open.map((pod) => `pods/${pod.pod.metadata.name}`).join(", ");
  fail("timeout", `Cannot go on waiting: timed out waiting for the condition on ${names}`, { context: { timeout } });
}

function goalOf(text: string | undefined): Goal {
  if (text === undefined) fail("usage", "Cannot wait: --for is missing", { hint: "--for=condition=Ready or --for=delete" });
  if (text.toLowerCase() === "delete") return { kind: "delete" };
  const [, type, status = "True"] = /^condition=([A-Za-z][\w./-]*)(?:=(\w+))?$/.exec(text) ?? [];
  if (type === undefined) fail("usage", `Cannot wait for "${text}": it must be delete or condition=TYPE[=STATUS]`);
  return { kind: "condition", type, status };
}

/** The pods that are there now. Fails with kind `notFound` when there is none, unless that is what is waited for. */
async function targets(context: Context, input: Input, goal: Goal): Promise<readonly PodRecord[]> {
  const state = await context.engine.runtime();
  const namespace = namespaceOf(input, { all: false }) ?? "default";
  const names = namesOf(input.words);
  if (names.length > 0) {
    const wanted = names.map((name) => ({ namespace, name }));
    return wanted.filter((each) => goal.kind !== "delete" || state.pods(each).length > 0).map((each) => findPod(state, each));
  }
  const selector = input.text("selector");
  if (selector === undefined && !input.flag("all")) fail("usage", "Cannot wait: name pods, or use --all or -l SELECTOR");
  const matches = parseSelector(selector ?? "");
  const found = state.pods({ namespace }).filter((pod) => matches(pod.pod.metadata.labels));
  if (found.length === 0 && goal.kind !== "delete") fail("notFound", `Cannot wait for pods in namespace "${namespace}": no matching resources found`);
  return found;
}

function namesOf(words: readonly string[]): readonly string[] {
  const [first = "", ...names] = words;
  if (first.includes("/")) return words.map(podWord);
  if (!/^(pods?|po)$/i.test(first)) fail("usage", `Cannot wait for "${first}": it must be pod`);
  return names;
}

/** A pod that is gone meets no condition; one that has taken its name may. */
function isMet(state: RuntimeState, pod: PodRecord, goal: Goal): boolean {
  if (goal.kind === "delete") return state.pod(pod.uid) === undefined;
  const { namespace, name } = pod.pod.metadata;
  const now = state.pod(pod.uid) ?? state.pods({ namespace, name })[0];
  if (now === undefined) return false;
  const condition = podConditions(now, containersOf(state, now)).find((each) => each.type.toLowerCase() === goal.type.toLowerCase());
  return condition?.status.toLowerCase() === goal.status.toLowerCase();
}
