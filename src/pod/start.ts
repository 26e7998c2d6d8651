/** Starting one container of a pod whose sandbox stands and whose image is present: root filesystem, configuration, OCI runtime. */
import { dirname } from "node:path";
import { WherryError, messageOf } from "../base/errors.ts";
import { bundleDirectory, podDiskDirectory, podLogDirectory } from "../base/paths.ts";
import { ociConfig } from "../container/config.ts";
import type { ConfigResult } from "../container/container.ts";
import type { Environment } from "../container/environment.ts";
import { checkNonRoot, effectiveSecurity, userOf, withGroups } from "../container/security.ts";
import type { OciConfig } from "../runtime/oci.ts";
import { newContainerId, type Container, type ContainerId, type Terminated } from "../spec/spec.ts";
import type { ContainerRecord, ContainerUser, PodRecord } from "../state/state.ts";
import { lookupIdentity } from "../storage/identity.ts";
import { layerDirectory } from "../storage/layout.ts";
import type { Image } from "../storage/storage.ts";
import { discard, releaseContainer } from "./end.ts";
import { specOf } from "./image.ts";
import { environmentOf } from "./environment.ts";
import type { ConfigSource, PodHost, PodReporter } from "./pod.ts";
import { processNamespace } from "./processes.ts";
import { nodenameOf } from "./names.ts";
import { namespaceFiles } from "./sandbox.ts";
import { type Binds, bindsOf } from "./binds.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { ofShare } from "./terminationMessage.ts";
import { mappedAt, openWay, usersOf } from "./users.ts";

export interface StartRequest {
  readonly record: PodRecord;
  readonly container: ContainerRecord;
  readonly image: Image;
  /** Nothing had to be pulled. */
  readonly present: boolean;
  readonly config: ConfigSource;
  readonly reporter: PodReporter;
}

export type StartOutcome =
  | { readonly is: "running"; readonly id: ContainerId; readonly bundle: string }
  | { readonly is: "ended"; readonly end: Terminated }
  /** It could not be made; nothing of it is left. */
  | { readonly is: "refused"; readonly reason: string; readonly message: string };

/** Bytes after which a container's log starts anew (the kubelet's containerLogMaxSize). */
const LOG_SIZE_MAX = 10 * 1024 * 1024;

/** Starts a container and records every step of it. */
export async function startContainer(host: PodHost, request: StartRequest): Promise<StartOutcome> {
  const { record, container, reporter } = request;
  const event = (type: "Normal" | "Warning", reason: string, message: string): void =>
    reporter.event({ type, reason, message, fieldPath: fieldPathOf(container) });
  const id = newContainerId();
  const bundle = bundleDirectory(host.paths, record.uid, id);
  try {
    const { spec, log } = await ready(host, request, id);
    const processes = await processNamespace(host, record);
    const environment = environmentOf(host, record, { container: spec, config: request.config });
    using mounted = bindsOf(host, record, { container: spec, id, env: environment.env, kernel: host.limits(dirname(record.cgroup)).kernel });
    const { config: oci, warnings } = configure(host, { ...request, id, bundle, spec, processes, mounted, environment });
    for (const warning of warnings) {
      event("Warning", "NotApplied", warning);
      reporter.progress(`warning: ${warning}`, container.name);
    }
    const { pid } = await host.runtime.create(createRequest(host, { ...request, id, bundle, spec, oci, log }));
    host.state.updateContainer(record.uid, container.name, { ...log, user: userAsRun(oci) });
    event("Normal", "Created", `Created container ${container.name}`);
    return await run(host, { ...request, id, bundle, pid, event });
  } catch (thrown) {
    const { reason, message } = whyRefused(thrown);
    event("Warning", "Failed", `Error: ${message}`);
    reporter.progress(`${reason}: ${message}`, container.name);
    await discard(host, record, id);
    return { is: "refused", reason, message };
  }
}

/** Takes the previous start's remains away and records the new one, before anything of it is made. */
async function ready(host: PodHost, { record, container, image, present, reporter }: StartRequest, id: ContainerId): Promise<{ spec: Container; log: StartLog }> {
  const spec = specOf(record, container);
  const before = container.last ?? (container.state.status === "terminated" ? container.state : undefined);
  if (before !== undefined) await discard(host, record, before.id);
  host.state.transaction(() => {
    if (present) reporter.event({ type: "Normal", reason: "Pulled", message: `Container image "${container.image}" already present on machine`, fieldPath: fieldPathOf(container) });
    host.state.updateContainer(record.uid, container.name, { state: { status: "creating", id }, imageId: image.id });
  });
  reporter.progress("starting", container.name);
  return { spec, log: startLog(host, record, container) };
}

/** What is counted and kept of every start that came as far as a created container: others are no restarts. */
type StartLog = Pick<ContainerRecord, "restarts" | "logPath" | "previousLogPath">;

function startLog(host: PodHost, record: PodRecord, { name, restarts: before, logPath: previousLogPath }: ContainerRecord): StartLog {
  const restarts = previousLogPath === "" ? before : before + 1;
  const { namespace, name: pod } = record.pod.metadata;
  return { restarts, logPath: `${podLogDirectory(host.paths, namespace, pod, record.uid)}/${name}/${restarts}.log`, previousLogPath };
}

function userAsRun({ process: { user } }: OciConfig): ContainerUser {
  return { uid: user.uid, gid: user.gid, supplementalGroups: user.additionalGids ?? [] };
}

interface Making extends StartRequest {
  readonly id: ContainerId;
  readonly bundle: string;
}

function configure(host: PodHost, making: Making & { readonly spec: Container; readonly processes: string | undefined; readonly mounted: Binds; readonly environment: Environment }): ConfigResult {
  const { record, id, bundle, spec, image, processes, mounted, environment } = making;
  const disk = `${podDiskDirectory(host.paths, record.uid)}/containers/${id}`;
  const rootfs = `${bundle}/rootfs`;
  checkNonRoot({ pod: record.pod, uid: record.uid, container: spec, imageUser: image.config.user });
  const users = usersOf(host, record);
  openWay(host, record, [bundle]);
  host.kernel.mountRootfs({
    layers: image.layers.map((layer) => layerDirectory(host.paths.durable, layer)),
    upper: `${disk}/upper`, work: `${disk}/work`, target: rootfs,
    ...(users === undefined ? {} : { users: { users: users.path, first: users.first, at: mappedAt(host, record, `${spec.name}.layers`) } }),
  });
  const { config, warnings } = ociConfig({
    pod: record.pod,
    container: spec,
    id,
    image: image.config,
    identity: withGroups(lookupIdentity(rootfs, userOf(effectiveSecurity(record.pod, spec), image.config.user)), record.pod, spec),
    env: environment.env,
    rootfs,
    binds: mounted.binds,
    devices: mounted.devices,
    namespaces: { ...namespaceFiles(host, record), ...(processes === undefined ? {} : { pid: processes }) },
    ...(users === undefined ? {} : { users }),
    hostname: nodenameOf(record),
    cgroupsPath: `${record.cgroup}/${id}`,
    host: host.limits(dirname(record.cgroup)),
  });
  return { config, warnings: [...environment.warnings, ...warnings] };
}

function createRequest(host: PodHost, { record, container, id, bundle, spec, oci, log }: Making & { readonly spec: Container; readonly oci: OciConfig; readonly log: StartLog }): Parameters<PodHost["runtime"]["create"]>[0] {
  const { namespace, name } = record.pod.metadata;
  return {
    id, bundle, config: oci,
    logPath: log.logPath,
    logSizeMax: LOG_SIZE_MAX,
    journal: host.journal,
    ...(spec.stdin === true ? { stdin: spec.stdinOnce === true ? "once" : "open" } as const : {}),
    name: container.name,
    tag: `${namespace}/${name}`,
    labels: { WHERRY_SERVICE: record.service, WHERRY_NAMESPACE: namespace, WHERRY_POD: name, WHERRY_CONTAINER: container.name },
  };
}

interface Running extends Making {
  readonly pid: number;
  readonly event: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** From created to running. A payload that cannot be executed ends as the kubelet shows it: `StartError`, 128. */
async function run(host: PodHost, { record, container, id, bundle, pid, event, reporter }: Running): Promise<StartOutcome> {
  const startedAt = host.now();
  try {
    await host.runtime.start(id);
  } catch (thrown) {
    const message = messageOf(thrown);
    await releaseContainer(host, record.uid, id);
    event("Warning", "Failed", `Error: ${message}`);
    return { is: "ended", end: { status: "terminated", id, exitCode: 128, reason: "StartError", message: ofShare(record, message), startedAt: 0, finishedAt: host.now() } };
  }
  host.state.updateContainer(record.uid, container.name, { state: { status: "running", id, pid, startedAt } });
  event("Normal", "Started", `Started container ${container.name}`);
  reporter.progress("started", container.name);
  return { is: "running", id, bundle };
}

/** The kubelet's reason for a container that could not be made. */
function whyRefused(thrown: unknown): { readonly reason: string; readonly message: string } {
  const message = withoutId(messageOf(thrown));
  if (!(thrown instanceof WherryError)) return { reason: "CreateContainerError", message };
  return { reason: thrown.kind === "invalid" || thrown.kind === "notFound" ? "CreateContainerConfigError" : "CreateContainerError", message };
}

/** Every try has an id of its own: without it the same failure has the same words, and its events are counted together. */
const withoutId = (message: string): string => message.replace(/^Cannot (create|start) container "[0-9a-f]{64}": /, "");
