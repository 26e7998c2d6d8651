/** Pods. */
import { DNS_POLICIES, podName, RESTART_POLICIES, type Container, type LocalObjectReference, type Pod, type PodSpec } from "../spec/spec.ts";
import { readContainer, type ContainerOptions } from "./container.ts";
import { complain, complainMissing, field, flag, items, number, text, type Cursor } from "./cursor.ts";
import { readDnsConfig, readHostAliases } from "./dns.ts";
import { readMeta } from "./metadata.ts";
import { SOME_SECONDS, wholeNumber } from "./numbers.ts";
import { present } from "./present.ts";
import { readResources } from "./resources.ts";
import { optionalText, requiredText, RULES } from "./rules.ts";
import { readPodSecurity } from "./security.ts";
import { quoted, textOf } from "./tree.ts";
import { readVolume, volumeUses } from "./volumes.ts";

/** Reads a Pod; undefined when it cannot be one (and that is noted). `annotations` are added to its own. */
export function readPod(object: Cursor, annotations?: Readonly<Record<string, string>>): Pod | undefined {
  const metadata = readMeta(object, { name: podName, annotations });
  const spec = field(object, "spec");
  if (spec === undefined) complainMissing(object, "spec");
  const read = spec === undefined ? undefined : readSpec(spec);
  return metadata === undefined || read === undefined ? undefined : { apiVersion: "v1", kind: "Pod", metadata, spec: read };
}

function readSpec(spec: Cursor): PodSpec {
  const volumes = items(field(spec, "volumes"));
  const hostNetwork = flag(field(spec, "hostNetwork")) ?? false;
  const options = { volumes: volumeUses(volumes), hostNetwork, hostUsers: flag(field(spec, "hostUsers")) ?? true };
  checkUnique(volumes, "volume");
  checkUnique([...items(field(spec, "initContainers")), ...items(field(spec, "containers"))], "container");
  const policy = text(field(spec, "restartPolicy"));
  return {
    initContainers: readContainers(field(spec, "initContainers"), { ...options, init: true }),
    containers: readMainContainers(spec, { ...options, init: false }),
    volumes: volumes.map(readVolume).filter((volume) => volume !== undefined),
    restartPolicy: RESTART_POLICIES.find((known) => known === policy) ?? "Always",
    terminationGracePeriodSeconds: readGrace(field(spec, "terminationGracePeriodSeconds")),
    hostNetwork,
    ...readNames(spec),
    ...readShared(spec),
    ...present("os", readOs(field(spec, "os"))),
    ...present("activeDeadlineSeconds", wholeNumber(spec, "activeDeadlineSeconds", SOME_SECONDS)),
    ...present("enableServiceLinks", flag(field(spec, "enableServiceLinks"))),
    ...present("serviceAccountName", optionalText(spec, "serviceAccountName", RULES.subdomain) ?? optionalText(spec, "serviceAccount", RULES.subdomain)),
    ...present("imagePullSecrets", readPullSecrets(spec)),
    ...present("readinessGates", readGates(spec)),
    ...present("resources", field(spec, "resources") === undefined ? undefined : readResources(spec, { pod: true })),
    ...present("securityContext", readPodSecurity(field(spec, "securityContext"))),
  };
}

/** Host name, /etc/hosts and name servers. */
function readNames(spec: Cursor): Partial<PodSpec> {
  const override = optionalText(spec, "hostnameOverride", RULES.nodename);
  const at = field(spec, "hostnameOverride");
  if (at !== undefined && override !== undefined && flag(field(spec, "hostNetwork")) === true) complain(at, { code: "value", message: "is given, should not be with hostNetwork: true" });
  if (at !== undefined && override !== undefined && flag(field(spec, "setHostnameAsFQDN")) === true) complain(at, { code: "value", message: "is given as well as setHostnameAsFQDN, should be one of them" });
  return {
    ...present("hostname", optionalText(spec, "hostname", RULES.label)),
    ...present("hostnameOverride", override),
    ...present("subdomain", optionalText(spec, "subdomain", RULES.label)),
    ...present("setHostnameAsFQDN", flag(field(spec, "setHostnameAsFQDN"))),
    ...present("hostAliases", readHostAliases(spec)),
    ...present("dnsPolicy", DNS_POLICIES.find((known) => known === text(field(spec, "dnsPolicy")))),
    ...present("dnsConfig", readDnsConfig(spec)),
  };
}

/** Namespaces that are the host's, or common to the containers. */
function readShared(spec: Cursor): Partial<PodSpec> {
  const own = (name: "hostPID" | "hostIPC" | "hostUsers" | "shareProcessNamespace"): boolean | undefined => flag(field(spec, name));
  const shared = field(spec, "shareProcessNamespace");
  if (own("hostPID") === true && own("shareProcessNamespace") === true && shared !== undefined) complain(shared, { code: "value", message: "is true as well as hostPID, should be one of them" });
  if (own("hostUsers") === false) checkOwnUsers(spec);
  return {
    ...present("hostPID", own("hostPID")),
    ...present("hostIPC", own("hostIPC")),
    ...present("hostUsers", own("hostUsers")),
    ...present("shareProcessNamespace", own("shareProcessNamespace")),
  };
}

/** core/v1 `validateHostUsers`; of block devices the kubelet says it (KEP-127, "Non-conformant volume types"). */
function checkOwnUsers(spec: Cursor): void {
  const forbid = (at: Cursor, what: string): void => complain(at, { code: "value", message: `is ${what}, should not be when \`hostUsers\` is false` });
  for (const name of ["hostNetwork", "hostPID", "hostIPC"]) {
    const at = field(spec, name);
    if (at !== undefined && flag(at) === true) forbid(at, "true");
  }
  for (const container of [...items(field(spec, "initContainers")), ...items(field(spec, "containers"))]) {
    const at = field(container, "volumeDevices");
    if (at !== undefined && items(at).length > 0) forbid(at, "given");
  }
}

/** Only Linux containers can be run. */
function readOs(os: Cursor | undefined): PodSpec["os"] | undefined {
  if (os === undefined) return undefined;
  const name = field(os, "name");
  if (name !== undefined && text(name) !== undefined && text(name) !== "linux") complain(name, { code: "value", message: `is ${quoted(text(name) ?? "")}, should be "linux"` });
  return { name: "linux" };
}

function readGates(spec: Cursor): PodSpec["readinessGates"] {
  const gates = items(field(spec, "readinessGates")).flatMap((gate) => {
    const conditionType = requiredText(gate, "conditionType", RULES.labelKey);
    return conditionType === undefined ? [] : [{ conditionType }];
  });
  return gates.length === 0 ? undefined : gates;
}

/** Absent and empty are the same. That one does not exist is no mistake to Kubernetes: the image may not need it. */
function readPullSecrets(spec: Cursor): readonly LocalObjectReference[] | undefined {
  const names = items(field(spec, "imagePullSecrets")).flatMap((cursor) => requiredText(cursor, "name", RULES.subdomain) ?? []);
  return names.length === 0 ? undefined : names.map((name) => ({ name }));
}

function readMainContainers(spec: Cursor, options: ContainerOptions): readonly Container[] {
  const list = field(spec, "containers");
  if (list === undefined) complainMissing(spec, "containers", "should hold at least one container");
  else if (list.node.kind === "list" && list.node.items.length === 0) complain(list, { code: "required", message: "is an empty list, should hold at least one container" });
  return readContainers(list, options);
}

function readContainers(list: Cursor | undefined, options: ContainerOptions): readonly Container[] {
  return items(list).map((cursor) => readContainer(cursor, options)).filter((container) => container !== undefined);
}

/** Names are unique among init containers and containers together, and among volumes. */
function checkUnique(cursors: readonly Cursor[], what: string): void {
  const first = new Map<string, Cursor>();
  for (const cursor of cursors) {
    const name = textOf(cursor.node, "name");
    const at = field(cursor, "name");
    if (name === undefined || name === "" || at === undefined) continue;
    const other = first.get(name);
    if (other === undefined) first.set(name, at);
    else complain(at, { code: "duplicate", message: `${what} name ${quoted(name)} is used twice in one pod, first at ${other.path}` });
  }
}

function readGrace(cursor: Cursor | undefined): number {
  const seconds = number(cursor) ?? 30;
  if (cursor !== undefined && (seconds < 0 || (Number.isInteger(seconds) && !Number.isSafeInteger(seconds)))) {
    complain(cursor, { code: "value", message: `is ${seconds}, should be from 0 to ${Number.MAX_SAFE_INTEGER} seconds` });
  }
  return seconds;
}
