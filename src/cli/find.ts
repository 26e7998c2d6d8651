/** From the words of a command line to records. Every failure is of kind `notFound` or `usage` and names what exists. */
import { fail } from "../base/errors.ts";
import type { ContainerRecord, PodRecord, RuntimeState } from "../state/state.ts";
import { didYouMean } from "./suggest.ts";

/** `web`, `pod/web`, `po/web` and `pods/web` are the pod web. */
export function podWord(word: string): string {
  const [kind, name] = word.split("/");
  if (name === undefined) return word;
  if (kind !== "pod" && kind !== "pods" && kind !== "po") fail("usage", `Cannot use "${word}": it must be the name of a pod, or pod/NAME`);
  return name;
}

/** The pod of that name. While one is being replaced, the one that is to stay. */
export function findPod(state: RuntimeState, wanted: { readonly namespace: string; readonly name: string }): PodRecord {
  const { namespace, name } = wanted;
  const found = state.pods({ namespace, name }).toSorted((one, other) => rank(other) - rank(one))[0];
  return found ?? podNotFound(state, wanted);
}

const rank = (pod: PodRecord): number => (pod.wanted === "removed" ? 0 : pod.createdAt);

/** Fails, and says where a pod of that name is, or which name is near. */
export function podNotFound(state: RuntimeState, { namespace, name }: { readonly namespace: string; readonly name: string }): never {
  const elsewhere = state.pods({ name })[0]?.pod.metadata.namespace;
  const near = didYouMean(name, state.pods({ namespace }).map((each) => each.pod.metadata.name));
  const hint = elsewhere === undefined ? near : { hint: `there is one in namespace "${elsewhere}": use -n ${elsewhere}` };
  fail("notFound", `Cannot find pod "${name}" in namespace "${namespace}": it does not exist`, hint);
}

/** All containers of a pod: init containers first, each in the order of the specification. */
export function containersOf(state: RuntimeState, pod: PodRecord): readonly ContainerRecord[] {
  const order = (each: ContainerRecord): number => each.position + (each.kind === "main" ? 0 : -1000);
  return state.containers(pod.uid).toSorted((one, other) => order(one) - order(other));
}

/** Containers of all pods by uid, read at once. */
export function containersByPod(state: RuntimeState): ReadonlyMap<string, readonly ContainerRecord[]> {
  return Map.groupBy(state.containers(), (each) => each.pod);
}

export interface Chosen {
  readonly container: ContainerRecord;
  /** kubectl's note when it chose among several, else empty. */
  readonly note: string;
}

/** kubectl names the container to take without `-c` by this annotation. */
const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The container named, or as kubectl does without a name: the annotated one, else the first main container. */
export function chooseContainer(pod: PodRecord, containers: readonly ContainerRecord[], name: string | undefined): Chosen {
  if (name !== undefined) return { container: named(pod, containers, name), note: "" };
  const annotated = pod.pod.metadata.annotations[DEFAULT_CONTAINER];
  if (annotated !== undefined) return { container: named(pod, containers, annotated), note: "" };
  const main = containers.filter((each) => each.kind === "main");
  const [first] = main;
  if (first === undefined) fail("notFound", `Cannot choose a container of pod "${pod.pod.metadata.name}": it has none`);
  const others = [...main.map((each) => each.name), ...containers.filter((each) => each.kind !== "main").map((each) => `${each.name} (init)`)];
  return { container: first, note: others.length === 1 ? "" : `Defaulted container "${first.name}" out of: ${others.join(", ")}` };
}

function named(pod: PodRecord, containers: readonly ContainerRecord[], name: string): ContainerRecord {
  const found = containers.find((each) => each.name === name);
  if (found !== undefined) return found;
  const known = containers.map((each) => each.name);
  const hint = didYouMean(name, known).hint ?? `its containers are: ${known.join(", ")}`;
  fail("notFound", `Cannot find container "${name}" in pod "${pod.pod.metadata.name}": it does not exist`, { hint });
}
