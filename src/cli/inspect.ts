/** From a name to everything that the databases and the bundles know of it. */
import { fail, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { bundleDirectory, controlSocket, podDirectory, podDiskDirectory, podLogDirectory, serviceDirectory, serviceLock, serviceLog } from "../base/paths.ts";
import { podObject } from "../pod/status.ts";
import type { KubeObject } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord, RuntimeState, ServiceRun } from "../state/state.ts";
import type { Context } from "./context.ts";
import { chooseContainer, containersOf, findPod } from "./find.ts";
import { findService } from "./findService.ts";
import { hideSecrets, usesSecrets } from "./hide.ts";
import { hidden } from "./kinds/secrets.ts";
import { portsOf } from "./ports.ts";

interface Wanted {
  readonly word: string;
  readonly namespace: string;
}

/** Fails with kind `notFound`. A plain word is looked up as service, pod, service container, container id, in this order. */
export async function inspectOne(context: Context, { word, namespace }: Wanted): Promise<unknown> {
  const state = await context.engine.runtime();
  const [first = "", second] = word.split("/");
  if (second !== undefined) return qualified(context, state, { first, second, namespace });
  const isPod = state.pods({ namespace, name: word }).length > 0;
  if (state.run(word) !== undefined || (await context.engine.durable()).service(word) !== undefined) {
    if (isPod) await context.stderr.write(`"${word}" is also a pod: pod/${word}\n`);
    return service(context, word);
  }
  if (isPod) return pod(context, findPod(state, { namespace, name: word }));
  const run = word.endsWith("-service") ? state.run(word.slice(0, -"-service".length)) : undefined;
  if (run !== undefined) return serviceContainer(run);
  return byId(context, state, word);
}

async function qualified(context: Context, state: RuntimeState, { first, second, namespace }: { readonly first: string; readonly second: string; readonly namespace: string }): Promise<unknown> {
  if (/^services?$/.test(first)) return service(context, second);
  if (/^(pods?|po)$/.test(first)) return pod(context, findPod(state, { namespace, name: second }));
  const record = findPod(state, { namespace, name: first });
  return container(context, record, chooseContainer(record, containersOf(state, record), second).container);
}

/** The container (or service container) whose id begins with `prefix`. */
async function byId(context: Context, state: RuntimeState, prefix: string): Promise<unknown> {
  if (/^[0-9a-f]{6,64}$/.test(prefix)) {
    const run = state.runs().find((each) => each.id.startsWith(prefix));
    if (run !== undefined) return serviceContainer(run);
    const found = state.containers().find((each) => idOf(each)?.startsWith(prefix) === true);
    const record = found === undefined ? undefined : state.pod(found.pod);
    if (found !== undefined && record !== undefined) return container(context, record, found);
  }
  fail("notFound", `Cannot find "${prefix}": it is no service, pod, service container or container id`, { hint: "see wherry ps -a" });
}

const idOf = ({ state, last }: ContainerRecord): string | undefined => (state.status === "waiting" ? last?.id : state.id);

async function service(context: Context, name: string): Promise<unknown> {
  const { record, run, objects } = await findService(context, name);
  const state = await context.engine.runtime();
  const pods = state.pods({ service: name }).map(({ uid, pod: { metadata } }) => ({ namespace: metadata.namespace, name: metadata.name, uid }));
  const { paths } = context;
  // The texts may hold secret values; the objects below are the same without them.
  const { texts: _, ...played } = record ?? { texts: [] };
  return {
    kind: "Service",
    name,
    record: record === undefined ? null : played,
    run: run ?? null,
    paths: { directory: serviceDirectory(paths, name), control: controlSocket(paths, name), lock: serviceLock(paths, name), log: serviceLog(paths, name) },
    pods,
    objects: objects.map(({ object, hash }) => ({ hash, object: shown(object) })),
    serviceContainer: run === undefined ? null : serviceContainer(run),
  };
}

const shown = (object: KubeObject): KubeObject => (object.kind === "Secret" ? hidden(object) : object);

function serviceContainer(run: ServiceRun): unknown {
  return { kind: "ServiceContainer", name: `${run.service}-service`, id: run.id, bundle: run.bundle, run, config: configOf(run.bundle) };
}

async function pod(context: Context, record: PodRecord): Promise<unknown> {
  const state = await context.engine.runtime();
  const containers = containersOf(state, record);
  const { name, namespace } = record.pod.metadata;
  const { pod: _, ...own } = record;
  return {
    kind: "Pod",
    name,
    namespace,
    record: own,
    object: podObject(record, containers, { now: context.now(), node: context.node() }),
    ports: portsOf(record, state.hostPorts(record.uid)),
    paths: {
      directory: podDirectory(context.paths, record.uid),
      disk: podDiskDirectory(context.paths, record.uid),
      logs: podLogDirectory(context.paths, namespace, name, record.uid),
    },
    containers: await Promise.all(containers.map((each) => container(context, record, each))),
  };
}

async function container(context: Context, record: PodRecord, own: ContainerRecord): Promise<unknown> {
  const durable = await context.engine.durable();
  const id = idOf(own);
  const bundle = id === undefined ? undefined : bundleDirectory(context.paths, record.uid, id);
  const spec = [...record.pod.spec.initContainers, ...record.pod.spec.containers].find((each) => each.name === own.name);
  const config = bundle === undefined ? null : configOf(bundle);
  const secrets = config !== null && spec !== undefined && usesSecrets(spec) ? durable.secrets(record.service).filter(({ metadata }) => metadata.namespace === record.pod.metadata.namespace) : [];
  return {
    kind: "Container",
    name: own.name,
    pod: record.pod.metadata.name,
    namespace: record.pod.metadata.namespace,
    id: id ?? null,
    bundle: bundle ?? null,
    record: own,
    image: own.imageId === "" ? null : (durable.images.find(own.imageId) ?? null),
    config: spec === undefined ? null : hideSecrets(config, spec, secrets),
  };
}

/** The OCI configuration in a bundle; null when there is none any more. */
function configOf(bundle: string): unknown {
  const text = unless("ENOTDIR", () => readIfExists(`${bundle}/config.json`), undefined);
  return text === undefined ? null : JSON.parse(text);
}
