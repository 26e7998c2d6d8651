/** `wherry describe`: everything about a pod or a service, for people. */
import { fail } from "../../base/errors.ts";
import { serviceLog } from "../../base/paths.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { containersByPod, containersOf, findPod } from "../find.ts";
import { NAMESPACE, namespaceOf } from "../options.ts";
import { findService } from "../findService.ts";

export const command: Command = {
  description: "service is a played manifest with its service container.",
  examples: ["wherry describe pod web", "wherry describe pod/web -n shop", "wherry describe service shop"],
  options: [NAMESPACE],
  words: [
    { name: "pod|service", complete: "kinds" },
    { name: "NAME", optional: true, repeat: true, complete: "objects" },
  ],
  async run(context, input): Promise<Outcome> {
    const texts: string[] = [];
    for (const { kind, name } of asked(input.words)) texts.push(await (kind === "pod" ? pod(context, input, name) : service(context, name)));
    return { kind: "text", text: texts.join("\n\n\n") };
  },
};

interface Asked {
  readonly kind: "pod" | "service";
  readonly name: string;
}

function asked(words: readonly string[]): readonly Asked[] {
  const [first = "", ...names] = words;
  if (!first.includes("/")) {
    if (names.length === 0) fail("usage", `Cannot describe "${first}": NAME is missing`, { hint: "see --help" });
    return names.map((name) => ({ kind: kindOf(first), name }));
  }
  return words.map((word) => {
    const [kind = "", name = ""] = word.split("/");
    return { kind: kindOf(kind), name };
  });
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
