/** Names for completion, from the databases. */
import type { Completion } from "./command.ts";
import type { Context } from "./context.ts";
import { containersOf, findPod, podWord } from "./find.ts";
import { kindNamed, KINDS } from "./kinds.ts";
import { namespaces } from "./kinds/namespaces.ts";

interface Given {
  /** The words of the command line so far. */
  readonly words: readonly string[];
  readonly namespace: string;
}

/** Names of one sort; fails as finding does (an unknown kind, no such pod). */
export async function liveNames(context: Context, what: Completion, given: Given): Promise<readonly string[]> {
  switch (what) {
    case "files":
      return [":files"];
    case "kinds":
      return KINDS.map((row) => row.plural);
    case "services":
      return services(context);
    case "pods":
      return pods(context, given);
    case "pods-or-services":
      return [...new Set([...(await pods(context, given)), ...(await services(context)).map((name) => `service/${name}`)])];
    case "containers":
      return containers(context, given);
    case "namespaces":
      return (await namespaces(context)).map(({ object }) => object.metadata.name).toSorted();
    case "images":
      return (await context.engine.durable()).images.images().flatMap((image) => image.names);
    case "volumes":
      return (await context.engine.durable()).claims.all().filter(({ claim }) => claim.metadata.namespace === given.namespace).map(({ claim }) => claim.metadata.name);
    case "objects":
      return objects(context, given);
  }
}

async function services(context: Context): Promise<readonly string[]> {
  const [durable, runtime] = [await context.engine.durable(), await context.engine.runtime()];
  return [...new Set([...durable.services().map((each) => each.name), ...runtime.runs().map((each) => each.service)])];
}

async function pods(context: Context, { namespace }: Given): Promise<readonly string[]> {
  return (await context.engine.runtime()).pods({ namespace }).map((each) => each.pod.metadata.name);
}

async function containers(context: Context, { words, namespace }: Given): Promise<readonly string[]> {
  const state = await context.engine.runtime();
  const pod = findPod(state, { namespace, name: podWord(words[0] ?? "") });
  return containersOf(state, pod).map((each) => each.name);
}

/** Objects of the kind that the first word names. */
async function objects(context: Context, given: Given): Promise<readonly string[]> {
  const [kind = ""] = given.words;
  if (/^services?$/.test(kind)) return services(context);
  const { read } = await kindNamed(kind).load();
  return (await read(context, { namespace: given.namespace })).map((item) => item.name);
}
