/** Rows ⇄ domain types: which column holds which field, and how it is checked on the way out. */
import { fail } from "../base/errors.ts";
import {
  CLUSTER, containerId, containerName, namespace, podName, podUid, POD_PHASES, serviceName,
  type ContainerState, type Healthcheck, type ImageConfig, type KubeObject, type PersistentVolume, type PersistentVolumeClaim, type Pod, type Terminated,
} from "../spec/spec.ts";
import type { Blob, Image, Layer } from "../storage/storage.ts";
import { json, optional, plain, table } from "./columns.ts";
import { boolean, brand, integer, listOf, mapOf, object, oneOf, type Parse, shape, string } from "./shapes.ts";
import {
  EXIT_POLICIES, type ClaimRecord, type ContainerHealth, type ContainerRecord, type ContainerUser, type EventRecord, type HostPort, type ObjectRecord, type PodConditions, type PodRecord,
  type ServiceOptions, type ServiceRecord, type ServiceRun,
} from "./state.ts";

const NETWORKS = ["bridge", "none", "host"] as const;
const strings = listOf(string);
const service = plain("service", brand(serviceName));

const terminated = shape<Terminated>(
  { status: oneOf(["terminated"]), id: brand(containerId), exitCode: integer, signal: integer, reason: string, message: string, startedAt: integer, finishedAt: integer },
  ["signal", "message"],
);

type StateOf<S extends ContainerState["status"]> = Extract<ContainerState, { readonly status: S }>;
const CONTAINER_STATES: { readonly [S in ContainerState["status"]]: Parse<StateOf<S>> } = {
  waiting: shape<StateOf<"waiting">>({ status: oneOf(["waiting"]), reason: string, message: string, until: integer, transient: boolean }, ["message", "until", "transient"]),
  creating: shape<StateOf<"creating">>({ status: oneOf(["creating"]), id: brand(containerId) }),
  running: shape<StateOf<"running">>({ status: oneOf(["running"]), id: brand(containerId), pid: integer, startedAt: integer }),
  terminated,
};
const containerState: Parse<ContainerState> = (value) =>
  CONTAINER_STATES[oneOf(["waiting", "creating", "running", "terminated"])(object(value)["status"])](value);

const containerHealth = shape<ContainerHealth>(
  { id: brand(containerId), hooked: boolean, hookError: string, started: boolean, ready: boolean, why: string },
  ["hooked", "hookError", "started", "ready", "why"],
);

const containerUser = shape<ContainerUser>({ uid: integer, gid: integer, supplementalGroups: listOf(integer) });

const version = oneOf(["v1"]);
const metadata = shape({ name: string, namespace: brand(namespace), labels: mapOf(string), annotations: mapOf(string) });
const clusterMetadata = shape({ name: string, namespace: oneOf([CLUSTER]), labels: mapOf(string), annotations: mapOf(string) });
const podMetadata: Parse<unknown> = (value) => brand(podName)(metadata(value).name);
const podSpec = shape({ initContainers: listOf(object), containers: listOf(object), volumes: listOf(object) });

/** The envelopes of Kubernetes objects. What is in them was checked by `kube/` before it was written; here it is only checked to be there. */
const ENVELOPES: { readonly [K in KubeObject["kind"]]: Parse<unknown> } = {
  Pod: shape({ apiVersion: version, metadata: podMetadata, spec: podSpec }),
  ConfigMap: shape({ apiVersion: version, metadata, data: object, binaryData: object }),
  Secret: shape({ apiVersion: version, metadata, type: string, data: object }),
  PersistentVolumeClaim: shape({ apiVersion: version, metadata, spec: object }),
  PersistentVolume: shape({ apiVersion: version, metadata: clusterMetadata, spec: object }),
  Namespace: shape({ apiVersion: version, metadata: clusterMetadata }),
};

function kubeObject(value: unknown): KubeObject {
  ENVELOPES[oneOf(["Pod", "ConfigMap", "Secret", "PersistentVolumeClaim", "PersistentVolume", "Namespace"])(object(value)["kind"])](value);
  return value as KubeObject; // parse function: its envelope has just been checked
}

function claimObject(value: unknown): PersistentVolumeClaim {
  const checked = kubeObject(value);
  return checked.kind === "PersistentVolumeClaim" ? checked : fail("invalid", `it is a ${checked.kind}, it should be a PersistentVolumeClaim`);
}

function volumeObject(value: unknown): PersistentVolume {
  const checked = kubeObject(value);
  return checked.kind === "PersistentVolume" ? checked : fail("invalid", `it is a ${checked.kind}, it should be a PersistentVolume`);
}

function podObject(value: unknown): Pod {
  const checked = kubeObject(value);
  return checked.kind === "Pod" ? checked : fail("invalid", `it is a ${checked.kind}, it should be a Pod`);
}

const healthcheck = shape<Healthcheck>(
  { test: strings, interval: integer, timeout: integer, startPeriod: integer, retries: integer },
  ["interval", "timeout", "startPeriod", "retries"],
);

const imageConfig = shape<ImageConfig>({
  entrypoint: strings, cmd: strings, env: strings, workingDir: string, user: string,
  stopSignal: string, volumes: strings, labels: mapOf(string), exposedPorts: strings, healthcheck,
}, ["healthcheck"]);

export const SERVICES = table<ServiceRecord>("services", {
  name: plain("name", brand(serviceName)),
  files: json("files", strings),
  texts: json("texts", strings),
  options: json("options", shape<ServiceOptions>({ exitPolicy: oneOf(EXIT_POLICIES), network: oneOf(NETWORKS), publish: strings })),
  revision: plain("revision", integer),
  playedAt: plain("played_at", integer),
});

export const OBJECTS = table<ObjectRecord & { readonly position: number }>("objects", {
  service,
  position: plain("position", integer),
  object: json("object", kubeObject),
  hash: plain("hash", string),
});

/** Images without their names and digests, which are rows of their own. */
export const IMAGES = table<Omit<Image, "names" | "digests">>("images", {
  id: plain("id", string),
  layers: json("layers", strings),
  config: json("config", imageConfig),
  size: plain("size", integer),
  created: plain("created", integer),
  importedAt: plain("imported_at", integer),
});

export const IMAGE_NAMES = table<{ readonly name: string; readonly image: string; readonly position: number }>("image_names", {
  name: plain("name", string),
  image: plain("image", string),
  position: plain("position", integer),
});

export const LAYERS = table<Layer>("layers", {
  diffId: plain("diff_id", string),
  size: plain("size", integer),
  entries: plain("entries", integer),
  unpackedAt: plain("unpacked_at", integer),
  damage: plain("damage", string),
});

export const BLOBS = table<Blob & { readonly layer: string }>("blobs", {
  digest: plain("digest", string),
  layer: plain("layer", string),
  size: plain("size", integer),
});

export const SEALED = table<{ readonly service: string; readonly hash: string; readonly text: string }>("sealed", {
  service: plain("service", string),
  hash: plain("hash", string),
  text: plain("text", string),
});

export const CLAIMS = table<ClaimRecord>("claims", {
  service,
  claim: json("claim", claimObject),
  uid: plain("uid", string),
  volume: json("volume", volumeObject),
  directory: plain("directory", string),
  owner: plain("owner", string),
  phase: plain("phase", oneOf(["Bound", "Removing"])),
  boundAt: plain("bound_at", integer),
});

export const RUNS = table<ServiceRun>("runs", {
  service,
  id: plain("id", brand(containerId)),
  bundle: plain("bundle", string),
  monitorPid: plain("monitor_pid", integer),
  cgroup: plain("cgroup", string),
  unit: plain("unit", string),
  startedAt: plain("started_at", integer),
  readyAt: plain("ready_at", integer),
  phase: plain("phase", oneOf(["starting", "running", "stopping", "ended"])),
  status: plain("status", string),
  exitCode: plain("exit_code", integer),
});

export const PODS = table<PodRecord>("pods", {
  uid: plain("uid", brand(podUid)),
  service,
  pod: json("pod", podObject),
  hash: plain("hash", string),
  wanted: plain("wanted", oneOf(["running", "stopped", "removed"])),
  cgroup: plain("cgroup", string),
  network: plain("network", oneOf(NETWORKS)),
  ip: plain("ip", string),
  ip6: optional(plain("ip6", string)),
  phase: plain("phase", oneOf(POD_PHASES)),
  reason: plain("reason", string),
  message: plain("message", string),
  createdAt: plain("created_at", integer),
  sandboxAt: plain("sandbox_at", integer),
  initializedAt: plain("initialized_at", integer),
  readyAt: plain("ready_at", integer),
  startedAt: optional(plain("started_at", integer)),
  ids: optional(plain("ids", integer)),
  conditions: optional(json("conditions", mapOf(shape<PodConditions[string]>({ status: oneOf(["True", "False"]), since: integer })))),
});

/** The addresses alone, without reading whole pods. */
export const POD_ADDRESSES = table<Pick<PodRecord, "ip">>("pods", { ip: plain("ip", string) });

export const CONTAINERS = table<ContainerRecord>("containers", {
  pod: plain("pod", brand(podUid)),
  name: plain("name", brand(containerName)),
  kind: plain("kind", oneOf(["init", "sidecar", "main"])),
  position: plain("position", integer),
  restarts: plain("restarts", integer),
  state: json("state", containerState),
  last: optional(json("last", terminated)),
  failures: plain("failures", integer),
  image: plain("image", string),
  imageId: plain("image_id", string),
  logPath: plain("log_path", string),
  previousLogPath: plain("previous_log_path", string),
  health: optional(json("health", containerHealth)),
  user: optional(json("user", containerUser)),
});

export const HOST_PORTS = table<HostPort & { readonly pod: string }>("host_ports", {
  pod: plain("pod", string),
  ip: plain("ip", string),
  port: plain("port", integer),
  protocol: plain("protocol", oneOf(["tcp", "udp", "sctp"])),
});

export const EVENTS = table<EventRecord>("events", {
  sequence: plain("sequence", integer),
  service,
  namespace: plain("namespace", brand(namespace)),
  kind: plain("kind", oneOf(["Pod", "Service", "PersistentVolumeClaim"])),
  name: plain("name", string),
  uid: plain("uid", string),
  fieldPath: plain("field_path", string),
  type: plain("type", oneOf(["Normal", "Warning"])),
  reason: plain("reason", string),
  message: plain("message", string),
  count: plain("count", integer),
  firstAt: plain("first_at", integer),
  lastAt: plain("last_at", integer),
});

export const EVENT_COUNTER = table<{ readonly value: number }>("event_counter", { value: plain("value", integer) });
