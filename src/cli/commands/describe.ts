/** `wherry describe`: everything about a pod or a service, for people. */
import { fail } from "../../base/errors.ts";
import { serviceLog } from "../../base/paths.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { containersByPod, containersOf, findPod } from "../find.ts";
import { NAMESPACE, namespaceOf } from "../options.ts";
import { findService } from "../findService.ts";

export const command: Command = {
  description: "service is a played manifest with its service container. Without NAME: all pods of the namespace, or all services.",
  examples: ["wherry describe pod web", "wherry describe pod/web -n shop", "wherry describe service shop"],
  options: [NAMESPACE],
  words: [
    { name: "pod|service", complete: "kinds" },
    { name: "NAME", optional: true, repeat: true, complete: "objects" },
  ],
  async run(context, input): Promise<Outcome> {
    const texts: string[] = [];
    for (const { kind, name } of await asked(context, input)) texts.push(await (kind === "pod" ? pod(context, input, name) : service(context, name)));
    return { kind: "text", text: texts.join("\n\n\n") };
  },
};

interface Asked {
  readonly kind: "pod" | "service";
  readonly name: string;
}

async function asked(context: Context, input: Input): Promise<readonly Asked[]> {
  const [first = "", ...names] = input.words;
  if (!first.includes("/")) {
    const kind = kindOf(first);
    return (names.length === 0 ? await namesOf(context, input, kind) : names).map((name) => ({ kind, name }));
  }
  return input.words.map((word) => {
    const [kind = "", name = ""] = word.split("/");
    return { kind: kindOf(kind), name };
  });
}

/** All that there are. Fails with kind `notFound` when there is none. */
async function namesOf(context: Context, input: Input, kind: Asked["kind"]): Promise<readonly string[]> {
  if (kind === "service") return (await context.engine.durable()).services().map(({ name }) => name);
  const namespace = namespaceOf(input, { all: false }) ?? "default";
  const found = (await context.engine.runtime()).pods({ namespace }).map(({ pod: { metadata } }) => metadata.name);
  if (found.length === 0) fail("notFound", `Cannot describe pods of namespace "${namespace}": there are none`);
  return [...new Set(found)].toSorted();
}

function kindOf(word: string): Asked["kind"] {
  if (/^(pods?|po)$/i.test(word)) return "pod";
  if (/^services?$/i.test(word)) return "service";
  fail("usage", `Cannot describe "${word}": it must be pod or service`);
}

async function pod(context: Context, input: Input, name: string): Promise<string> {
  const { describePod } = await import("../describe/pod.ts");
  const state = await context.engine.runtime();
  const namespace = namespaceOf(input, { all: false }) ?? "default";
  const record = findPod(state, { namespace, name });
  const events = state.events({ namespace, name }).filter((event) => event.kind === "Pod" && event.uid === record.uid);
  return describePod({ record, containers: containersOf(state, record), events, node: context.node(), now: context.now() });
}

async function service(context: Context, name: string): Promise<string> {
  const { describeService } = await import("../describe/service.ts");
  const { record, run, objects } = await findService(context, name);
  const state = await context.engine.runtime();
  const containers = containersByPod(state);
  return describeService({
    name,
    record,
    run,
    objects,
    pods: state.pods({ service: name }).map((each) => ({ record: each, containers: containers.get(each.uid) ?? [] })),
    events: state.events({ service: name }).filter((event) => event.kind === "Service"),
    log: serviceLog(context.paths, name),
    now: context.now(),
  });
}
