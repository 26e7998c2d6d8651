/**
 * The largest manifest: objects with every field that wherry runs. Written with every field of the API that a manifest can
 * reach; what the table says is not run is taken away.
 */
import { FIELDS } from "../generated/fields.ts";
import { KINDS } from "../objects.ts";
import { rowOf } from "../table/table.ts";

const MODES = { defaultMode: 0o440 };
const ITEMS = [{ key: "key", path: "dir/key", mode: 0o400 }];
const DOWNWARD = [
  { path: "labels", mode: 0o444, fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" } },
  { path: "memory", resourceFieldRef: { containerName: "main", resource: "limits.memory", divisor: "1Mi" } },
];
const TIMING = { initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, failureThreshold: 4 };
const SELINUX = { user: "system_u", role: "system_r", type: "container_t", level: "s0:c1,c2" };
const LIMITS = { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "100m", memory: "32Mi" } };
const HTTP = { host: "127.0.0.1", port: "http", path: "/ready", scheme: "HTTPS", httpHeaders: [{ name: "X-Probe", value: "yes" }] };

const METADATA = { name: "largest", namespace: "trade", labels: { app: "largest" }, annotations: { "example.com/note": "any text" } };

const SECURITY = {
  runAsUser: 1000, runAsGroup: 1001, runAsNonRoot: true, seLinuxOptions: SELINUX,
  seccompProfile: { type: "Localhost", localhostProfile: "profiles/one.json" }, appArmorProfile: { type: "Localhost", localhostProfile: "one" },
};

const MAIN = {
  name: "main", image: "registry.example/main:1", imagePullPolicy: "IfNotPresent", command: ["sh", "-c"], args: ["exec serve"], workingDir: "/srv",
  env: [
    { name: "PLAIN", value: "text" },
    { name: "CONFIG", valueFrom: { configMapKeyRef: { name: "config", key: "key", optional: false } } },
    { name: "SECRET", valueFrom: { secretKeyRef: { name: "secret", key: "key", optional: false } } },
    { name: "FIELD", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
    { name: "RESOURCE", valueFrom: { resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" } } },
    { name: "FILE", valueFrom: { fileKeyRef: { volumeName: "empty", path: "env", key: "KEY", optional: true } } },
  ],
  envFrom: [{ prefix: "C_", configMapRef: { name: "config", optional: false } }, { prefix: "S_", secretRef: { name: "secret", optional: true } }],
  ports: [{ name: "http", containerPort: 80, hostPort: 8080, hostIP: "127.0.0.1", protocol: "TCP" }],
  volumeMounts: [
    { name: "empty", mountPath: "/empty", readOnly: true, recursiveReadOnly: "IfPossible", mountPropagation: "None", subPath: "part" },
    { name: "host", mountPath: "/host", mountPropagation: "HostToContainer", subPathExpr: "$(PLAIN)" },
  ],
  volumeDevices: [{ name: "block", devicePath: "/dev/block" }],
  resources: LIMITS,
  restartPolicy: "Always", restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [1, 2] } }],
  livenessProbe: { httpGet: HTTP, ...TIMING, successThreshold: 1, terminationGracePeriodSeconds: 5 },
  readinessProbe: { tcpSocket: { host: "127.0.0.1", port: 80 }, ...TIMING, successThreshold: 2 },
  startupProbe: { grpc: { port: 81, service: "health" }, ...TIMING, successThreshold: 1 },
  lifecycle: { postStart: { exec: { command: ["true"] } }, preStop: { sleep: { seconds: 1 } } },
  terminationMessagePath: "/dev/end", terminationMessagePolicy: "FallbackToLogsOnError",
  securityContext: { ...SECURITY, allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true, procMount: "Default", capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] } },
  stdin: true, stdinOnce: true, tty: true,
};

const REQUESTS = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" }, limits: { storage: "2Gi" } } };
const NOTED = { labels: { app: "largest" }, annotations: { "example.com/note": "x" } };
const CLAIM = {
  ...REQUESTS, storageClassName: "", volumeMode: "Filesystem", volumeName: "disk",
  selector: { matchLabels: { app: "largest" }, matchExpressions: [{ key: "app", operator: "In", values: ["largest"] }] },
};
const DISK = { accessModes: ["ReadWriteOnce"], capacity: { storage: "2Gi" }, persistentVolumeReclaimPolicy: "Retain" };

const SPEC = {
  activeDeadlineSeconds: 600, restartPolicy: "OnFailure", terminationGracePeriodSeconds: 5, enableServiceLinks: false,
  hostNetwork: false, hostPID: false, hostIPC: false, hostUsers: true, shareProcessNamespace: true,
  hostname: "largest", subdomain: "group", hostnameOverride: "largest.example", setHostnameAsFQDN: false,
  hostAliases: [{ ip: "192.0.2.1", hostnames: ["db", "db.example"] }],
  dnsPolicy: "None", dnsConfig: { nameservers: ["192.0.2.53"], searches: ["example"], options: [{ name: "ndots", value: "2" }, { name: "rotate" }] },
  imagePullSecrets: [{ name: "pull" }], os: { name: "linux" }, readinessGates: [{ conditionType: "example.com/ready" }], resources: LIMITS,
  securityContext: { ...SECURITY, fsGroup: 2000, fsGroupChangePolicy: "OnRootMismatch", supplementalGroups: [3000], supplementalGroupsPolicy: "Merge", sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] },
  initContainers: [{ name: "first", image: "registry.example/first:1" }],
  containers: [MAIN, { name: "second", image: "registry.example/second:1", livenessProbe: { exec: { command: ["true"] } }, lifecycle: { stopSignal: "SIGUSR1", postStart: { httpGet: { port: 80 } } } }],
  volumes: [
    { name: "empty", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "host", hostPath: { path: "/srv/data", type: "DirectoryOrCreate" } },
    { name: "config", configMap: { name: "config", items: ITEMS, optional: false, ...MODES } },
    { name: "secret", secret: { secretName: "secret", items: ITEMS, optional: true, ...MODES } },
    { name: "downward", downwardAPI: { items: DOWNWARD, ...MODES } },
    { name: "projected", projected: { sources: [{ configMap: { name: "config", items: ITEMS, optional: true } }, { secret: { name: "secret", items: ITEMS, optional: false } }, { downwardAPI: { items: DOWNWARD } }], ...MODES } },
    { name: "claim", persistentVolumeClaim: { claimName: "claim", readOnly: true } },
    { name: "block", persistentVolumeClaim: { claimName: "device" } },
    { name: "scratch", ephemeral: { volumeClaimTemplate: { metadata: NOTED, spec: REQUESTS } } },
    { name: "image", image: { reference: "registry.example/data:1", pullPolicy: "Never" } },
  ],
};

const EVERYTHING = [
  { apiVersion: "v1", kind: "Pod", metadata: METADATA, spec: SPEC },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { ...METADATA, name: "config" }, data: { key: "value" }, binaryData: { bytes: "AAEC" }, immutable: true },
  { apiVersion: "v1", kind: "Secret", metadata: { ...METADATA, name: "secret" }, type: "Opaque", data: { key: "dmFsdWU=" }, stringData: { other: "value" }, immutable: true },
  { apiVersion: "v1", kind: "Secret", metadata: { ...METADATA, name: "pull" }, type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": '{"auths":{}}' } },
  { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { ...METADATA, name: "claim" }, spec: CLAIM },
  { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { ...METADATA, name: "device" }, spec: { ...REQUESTS, storageClassName: "", volumeMode: "Block", volumeName: "device" } },
  { apiVersion: "v1", kind: "PersistentVolume", metadata: { ...NOTED, name: "disk" }, spec: { ...DISK, storageClassName: "", volumeMode: "Filesystem", claimRef: { name: "claim", namespace: "trade" }, local: { path: "/mnt/disk" } } },
  { apiVersion: "v1", kind: "PersistentVolume", metadata: { ...NOTED, name: "device" }, spec: { ...DISK, volumeMode: "Block", hostPath: { path: "/dev/vdb", type: "BlockDevice" } } },
  { apiVersion: "v1", kind: "Namespace", metadata: { ...NOTED, name: "trade" } },
];

const isKind = (kind: string): boolean => KINDS.some((known) => known === kind);
/** A claim must be of the manifest. */
const isKept = (type: string, field: string): boolean => rowOf(type, field)?.effect === "runs" && (field !== "persistentVolumeClaim" || isKind("PersistentVolumeClaim"));

/** The type of a field in `FIELDS`, without what it is a list or map of. */
export const targetOf = (reference: string): string => reference.replace(/\[\]|\{\}/g, "");

type Visit = (type: string, field: string) => boolean;

/** The objects, with the fields that `keep` says. What would be empty without the others goes, too. */
export function maximal(keep: Visit = isKept): readonly Record<string, unknown>[] {
  return EVERYTHING.flatMap((object) => {
    const kept = pruned(object, object.kind, keep);
    return isMap(kept) && isKind(object.kind) ? [kept] : [];
  });
}

function pruned(value: unknown, type: string, keep: Visit): unknown {
  const fields = FIELDS[type];
  if (Array.isArray(value)) {
    const left = value.map((item) => pruned(item, type, keep)).filter((item) => item !== undefined);
    return left.length === 0 ? undefined : left;
  }
  if (!isMap(value) || fields === undefined) return value;
  const left = Object.entries(value).flatMap(([field, inner]) => {
    const kept = keep(type, field) ? pruned(inner, targetOf(fields[field] ?? ""), keep) : undefined;
    return kept === undefined ? [] : [[field, kept] as const];
  });
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

export const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
