/** `wherry describe`: everything about a pod or a service, for people. */
import { fail } from "../../base/errors.ts";
import { serviceLog } from "../../base/paths.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { containersByPod, containersOf, findPod } from "../find.ts";
import { findClaim } from "../claims.ts";
import { kind as persistentVolumes } from "../kinds/persistentVolumes.ts";
import { namespaces } from "../kinds/namespaces.ts";
import { playedObjects } from "../kinds/played.ts";
import { podsWith } from "../../service/claimVolumes.ts";
import { NAMESPACE, namespaceOf } from "../options.ts";
import { findService } from "../findService.ts";

export const command: Command = {
  description: "persistentvolumeclaim, persistentvolume and namespace are those of get; service is a played manifest with its service container. Without NAME: all pods of the namespace, or all services.",
  examples: ["wherry describe pod web", "wherry describe pod/web -n shop", "wherry describe service shop"],
  options: [NAMESPACE],
  words: [
    { name: "pod|pvc|pv|ns|service", complete: "kinds" },
    { name: "NAME", optional: true, repeat: true, complete: "objects" },
  ],
  async run(context, input): Promise<Outcome> {
    const texts: string[] = [];
    for (const { kind, name } of await asked(context, input)) texts.push(await DESCRIBE[kind](context, input, name));
    return { kind: "text", text: texts.join("\n\n\n") };
  },
};

interface Asked {
  readonly kind: "pod" | "service" | "claim" | "volume" | "namespace";
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
  if (kind === "claim") return (await context.engine.durable()).claims.all().filter(({ claim }) => claim.metadata.namespace === namespace).map(({ claim }) => claim.metadata.name);
  if (kind === "volume") return (await persistentVolumes.read(context, { namespace: undefined })).map(({ name }) => name);
  if (kind === "namespace") return (await namespaces(context)).map(({ object }) => object.metadata.name).toSorted();
  const found = (await context.engine.runtime()).pods({ namespace }).map(({ pod: { metadata } }) => metadata.name);
  if (found.length === 0) fail("notFound", `Cannot describe pods of namespace "${namespace}": there are none`);
  return [...new Set(found)].toSorted();
}

function kindOf(word: string): Asked["kind"] {
  if (/^(pods?|po)$/i.test(word)) return "pod";
  if (/^services?$/i.test(word)) return "service";
  if (/^(persistentvolumeclaims?|pvc)$/i.test(word)) return "claim";
  if (/^(persistentvolumes?|pv)$/i.test(word)) return "volume";
  if (/^(namespaces?|ns)$/i.test(word)) return "namespace";
  fail("usage", `Cannot describe "${word}": it must be pod, persistentvolumeclaim, persistentvolume, namespace or service`);
}

async function pod(context: Context, input: Input, name: string): Promise<string> {
  const { describePod } = await import("../describe/pod.ts");
  const state = await context.engine.runtime();
  const namespace = namespaceOf(input, { all: false }) ?? "default";
  const record = findPod(state, { namespace, name });
  const events = state.events({ namespace, name }).filter((event) => event.kind === "Pod" && event.uid === record.uid);
  return describePod({ record, containers: containersOf(state, record), events, node: context.node(), now: context.now() });
}

async function claim(context: Context, input: Input, name: string): Promise<string> {
  const { describeClaim } = await import("../describe/claim.ts");
  const namespace = namespaceOf(input, { all: false }) ?? "default";
  const record = findClaim(await context.engine.durable(), name, namespace);
  const state = await context.engine.runtime();
  const events = state.events({ namespace, name }).filter((event) => event.kind === "PersistentVolumeClaim");
  return describeClaim(record, { events, usedBy: podsWith(state, record), now: context.now() });
}

async function volume(context: Context, _input: Input, name: string): Promise<string> {
  const { describeVolume } = await import("../describe/claim.ts");
  const record = (await context.engine.durable()).claims.all().find(({ volume: { metadata } }) => metadata.name === name);
  if (record !== undefined) return describeVolume(record.volume, record);
  const free = (await playedObjects(context, undefined)).flatMap(({ object }) => (object.kind === "PersistentVolume" && object.metadata.name === name ? [object] : []))[0];
  return free === undefined ? fail("notFound", `Cannot find persistentvolume "${name}": it does not exist`) : describeVolume(free, undefined);
}

async function namespace(context: Context, _input: Input, name: string): Promise<string> {
  const { describeNamespace } = await import("../describe/namespace.ts");
  const found = (await namespaces(context)).find(({ object }) => object.metadata.name === name);
  return found === undefined ? fail("notFound", `Cannot find namespace "${name}": it does not exist`) : describeNamespace(found);
}

const DESCRIBE: Readonly<Record<Asked["kind"], (context: Context, input: Input, name: string) => Promise<string>>> = { pod, claim, volume, namespace, service };

async function service(context: Context, _input: Input, name: string): Promise<string> {
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
