/**
 * What of a manifest this host, or an ordinary user on it, cannot do: at the field, before anything is made. A problem
 * where the pod could not run; a notice where it would get less than it asks for. Pure: the host comes as a value.
 */
import { complain, type Cursor, entries, field, flag, items, number, text } from "./cursor.ts";
import type { Read } from "./references.ts";
import { quoted } from "./tree.ts";

/** What the host cannot do. */
export interface HostLacks {
  /** Why limits of a cgroup controller have no effect, by its name: `cpu`, `memory`, `hugetlb`. */
  readonly controllers: Readonly<Record<string, string>>;
  /** The kernel enforces no SELinux. */
  readonly seLinux: boolean;
  /** Absent for root. */
  readonly user?: UserLacks;
}

export interface UserLacks {
  readonly name: string;
  /** The lowest host port that the user may have; 0: all. */
  readonly firstPort: number;
  /** Users and groups that exist in the user's namespace, from 0 on. */
  readonly ids: number;
  /** Kernel parameters that only root may set, by the beginning of their names. */
  readonly sysctls: readonly string[];
  /** Seconds after which systemd kills what is left of the user's services at a shutdown or the last logout, and the longest grace period that ends before. Absent: not known. */
  readonly grace?: { readonly stopTimeout: number; readonly longest: number };
}

/** Notes everything that the host lacks for the pods. */
export function checkHost(objects: readonly Read[], lacks: HostLacks): void {
  for (const { cursor, object } of objects) if (object?.kind === "Pod") checkPod(cursor, lacks);
}

function checkPod(pod: Cursor, lacks: HostLacks): void {
  const spec = field(pod, "spec");
  const containers = [...items(field(spec, "initContainers")), ...items(field(spec, "containers"))];
  for (const place of [spec, ...containers]) {
    checkLimits(field(place, "resources"), lacks);
    const options = field(field(place, "securityContext"), "seLinuxOptions");
    if (lacks.seLinux && options !== undefined) notice(options, "the kernel enforces no SELinux");
  }
  if (lacks.user === undefined) return;
  checkIds(field(spec, "securityContext"), lacks.user);
  checkSysctls(field(spec, "securityContext"), lacks.user);
  checkGrace(spec, lacks.user);
  for (const volume of items(field(spec, "volumes"))) checkVolume(volume, lacks.user);
  for (const container of containers) checkContainer(container, { user: lacks.user, hostNetwork: flag(field(spec, "hostNetwork")) === true });
}

function notice(at: Cursor, why: string): void {
  at.sheet.idle.push({ path: at.path, at: at.node.at, why, host: true });
}

function refuse(at: Cursor, what: string, hint?: string): void {
  complain(at, { code: "host", message: `${what}, should be played by root`, hint });
}

/** Requests of cpu are shares of the same controller; those of memory are taken by nobody. */
function checkLimits(resources: Cursor | undefined, { controllers }: HostLacks): void {
  const asked = [...entries(field(resources, "limits")), ...entries(field(resources, "requests")).filter(({ key }) => key === "cpu")];
  for (const { key, value } of asked) {
    const why = controllers[key.startsWith("hugepages-") ? "hugetlb" : key];
    if (why !== undefined) notice(value, why);
  }
}

const IDS = ["runAsUser", "runAsGroup", "fsGroup"];

function checkIds(security: Cursor | undefined, user: UserLacks): void {
  const named = IDS.flatMap((name) => field(security, name) ?? []);
  for (const at of [...named, ...items(field(security, "supplementalGroups"))]) {
    const id = number(at);
    if (id === undefined || id < user.ids) continue;
    complain(at, { code: "host", message: `is ${id}, should be below ${user.ids}: user ${quoted(user.name)} has no more subordinate ids`, hint: '"wherry doctor" has the command that gives more' });
  }
}

function checkSysctls(security: Cursor | undefined, { sysctls, name: user }: UserLacks): void {
  for (const sysctl of items(field(security, "sysctls"))) {
    const at = field(sysctl, "name");
    const name = text(at);
    if (at !== undefined && name !== undefined && sysctls.some((each) => name.startsWith(each))) refuse(at, `is ${quoted(name)}, which this kernel lets only root set and not user ${quoted(user)}`);
  }
}

/** The API's default. */
const DEFAULT_GRACE = 30;

/** A user's manager is itself a service of the system's, whose stop nobody can extend. */
function checkGrace(spec: Cursor | undefined, { name: user, grace }: UserLacks): void {
  const given = field(spec, "terminationGracePeriodSeconds");
  const at = given ?? spec;
  if (at === undefined || grace === undefined || (given === undefined ? DEFAULT_GRACE : number(given) ?? 0) <= grace.longest) return;
  notice(at, `at a shutdown or the last logout systemd kills what services of user ${quoted(user)} have not ended after ${grace.stopTimeout} s, so that at most ${grace.longest} s are sure ("wherry doctor" has the command)`);
}

function checkVolume(volume: Cursor, { name: user }: UserLacks): void {
  const medium = field(field(volume, "emptyDir"), "medium");
  if (medium !== undefined && text(medium)?.startsWith("HugePages") === true) refuse(medium, `is ${quoted(text(medium) ?? "")}, which user ${quoted(user)} may not mount`);
  const type = field(field(volume, "hostPath"), "type");
  if (type !== undefined && ["BlockDevice", "CharDevice"].includes(text(type) ?? "")) notice(type, `only a device that user ${quoted(user)} may open can be used`);
}

/** Rights over the whole host, not over what is in a namespace (`capable` in place of `ns_capable` in the kernel). */
const OF_THE_HOST = new Set([
  "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "IPC_LOCK", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "PERFMON", "SYSLOG",
  "SYS_BOOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
]);
/** Rights over a network, which is the host's when the pod has none of its own. */
const OF_THE_NETWORK = new Set(["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"]);

interface Running {
  readonly user: UserLacks;
  readonly hostNetwork: boolean;
}

function checkContainer(container: Cursor, { user, hostNetwork }: Running): void {
  const security = field(container, "securityContext");
  checkIds(security, user);
  const devices = field(container, "volumeDevices");
  if (devices !== undefined && items(devices).length > 0) refuse(devices, `asks for block devices, which user ${quoted(user.name)} may not hand to containers`);
  const privileged = field(security, "privileged");
  if (privileged !== undefined && flag(privileged) === true) notice(privileged, `it has all rights of user ${quoted(user.name)}, none over the host and its devices`);
  for (const capability of items(field(field(security, "capabilities"), "add"))) {
    const name = text(capability)?.replace(/^CAP_/, "") ?? "";
    if (OF_THE_HOST.has(name) || (hostNetwork && OF_THE_NETWORK.has(name))) notice(capability, `${name} is a right over the host, which user ${quoted(user.name)} does not have`);
  }
  for (const mount of items(field(container, "volumeMounts"))) {
    const propagation = field(mount, "mountPropagation");
    if (propagation !== undefined && text(propagation) === "Bidirectional") notice(propagation, `what the container mounts is seen by the pods of user ${quoted(user.name)}, not by the host`);
  }
  for (const port of items(field(container, "ports"))) checkPort(port, { user, hostNetwork });
}

/** On the host's network nothing is opened for the container, which may find out by itself. */
function checkPort(port: Cursor, { user, hostNetwork }: Running): void {
  const at = field(port, "hostPort") ?? (hostNetwork ? field(port, "containerPort") : undefined);
  const wanted = number(at);
  if (at === undefined || wanted === undefined || wanted === 0 || wanted >= user.firstPort) return;
  if (hostNetwork) notice(at, `user ${quoted(user.name)} may listen from port ${user.firstPort} on only`);
  else complain(at, { code: "host", message: `is ${wanted}, should be ${user.firstPort} or more for user ${quoted(user.name)}`, hint: `or as root: sysctl -w net.ipv4.ip_unprivileged_port_start=${wanted}` });
}
