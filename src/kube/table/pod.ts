/** Pods and what is common to their containers. */
import { none, refused, type Rows, runs } from "./row.ts";

const CHECK = "src/kube/check.test.ts";
const VOLUMES = "test/e2e/plain/volumes.test.ts";
const PLAY = "test/e2e/plain/play.test.ts";
const NAMES = "test/e2e/plain/names.test.ts";
const RESTART = "test/e2e/plain/restart.test.ts";
const RESOURCES = "test/e2e/plain/resources.test.ts";
const SECURITY = "test/e2e/plain/security.test.ts";
const USERS = "test/e2e/plain/users.test.ts";
const LABELS = "src/container/config.test.ts";
const SCHEDULER = "there is one host, and nothing to choose";
const ACCOUNTS = "there is no API server to be known to";

export const POD: Readonly<Record<string, Rows>> = {
  Pod: {
    apiVersion: runs("`v1`", CHECK),
    kind: runs("`Pod`", CHECK),
    metadata: runs("see ObjectMeta", CHECK),
    spec: runs("see PodSpec", CHECK),
    status: refused("the API server of a cluster sets it: remove it"),
  },
  PodSpec: {
    initContainers: runs("one after the other before the containers; again when the sandbox is made anew", RESTART),
    containers: runs("at once, after the init containers", PLAY),
    ephemeralContainers: refused("they are added to running pods, never given in a manifest"),
    volumes: runs("made before the first container, gone with the pod", PLAY),
    restartPolicy: runs("with the kubelet's back-off: 10 s, doubling to 5 min, forgotten after 10 min", RESTART),
    terminationGracePeriodSeconds: runs("from the stop signal, or the preStop hook, to SIGKILL", RESTART),
    activeDeadlineSeconds: runs("the pod fails after so many seconds", "test/e2e/plain/lifecycle.test.ts"),
    hostNetwork: runs("the host's network and name", PLAY),
    hostPID: runs("the host's processes", SECURITY),
    hostIPC: runs("the host's IPC namespace and /dev/shm", SECURITY),
    hostUsers: runs("false: a user namespace with 65536 ids of its own; files of volumes and images have in it the ids that they have on their disks (Linux 6.3, and filesystems with idmapped mounts)", USERS),
    shareProcessNamespace: runs("one PID namespace for all containers, held by catatonit, which takes in their orphans", SECURITY),
    hostname: runs("host name; the pod's name when absent", NAMES),
    hostnameOverride: runs("host name as it is, at most 64 characters; there is no domain then", NAMES),
    subdomain: runs("domain `SUBDOMAIN.NAMESPACE.svc.cluster.local` of the pod's full name, in /etc/hosts", NAMES),
    setHostnameAsFQDN: runs("the full name as host name; more than 64 characters: FailedCreatePodSandBox", NAMES),
    hostAliases: runs("lines of /etc/hosts, also on the host's network", NAMES),
    dnsPolicy: runs("where /etc/resolv.conf comes from: None is dnsConfig alone, the others are the host's; there are no cluster name servers", NAMES),
    dnsConfig: runs("added to /etc/resolv.conf by the kubelet's rules", NAMES),
    enableServiceLinks: none("there are no kube Services yet, and so no variables of them but those of `kubernetes`, which every container has"),
    imagePullSecrets: runs("credentials for pulling; all that match are tried before the host's own", "test/e2e/plain/pull.test.ts"),
    readinessGates: runs("conditions that must be true, too; `wherry pod set-condition` sets them", "test/e2e/plain/probes.test.ts"),
    resources: runs("requests and limits of the pod as a whole: cpu, memory, huge pages", RESOURCES),
    securityContext: runs("defaults for all containers, groups and kernel parameters, fsGroup", SECURITY),
    serviceAccountName: none(ACCOUNTS),
    serviceAccount: none(ACCOUNTS),
    automountServiceAccountToken: none(ACCOUNTS),
    affinity: none(SCHEDULER),
    nodeName: none(SCHEDULER),
    nodeSelector: none(SCHEDULER),
    tolerations: none(SCHEDULER),
    topologySpreadConstraints: none(SCHEDULER),
    schedulerName: none(SCHEDULER),
    schedulingGroup: none(SCHEDULER),
    priority: none(SCHEDULER),
    priorityClassName: none(SCHEDULER),
    preemptionPolicy: none(SCHEDULER),
    overhead: none("it is accounted to a RuntimeClass, of which there is one"),
    os: runs("must be linux", CHECK),
    runtimeClassName: refused("there is one OCI runtime for all pods of a host"),
    resourceClaims: refused("dynamic resource allocation needs drivers of a cluster; devices are asked for by CDI names in resources.limits"),
    schedulingGates: refused("nothing here would ever open them: remove them when the pod is to run"),
  },
  LocalObjectReference: { name: runs("name of the Secret; one that is missing is told by an event", "test/e2e/plain/pull.test.ts") },
  PodReadinessGate: { conditionType: runs("name of the condition", "test/e2e/plain/probes.test.ts") },
  PodOS: { name: runs("linux", CHECK) },
  HostAlias: { ip: runs("address", NAMES), hostnames: runs("names of the address", NAMES) },
  PodDNSConfig: { nameservers: runs("after the others, each once, three in all", NAMES), searches: runs("after the others, each once, 32 in all", NAMES), options: runs("in place of others of their name", NAMES) },
  PodDNSConfigOption: { name: runs("name", NAMES), value: runs("value", NAMES) },
  PodSecurityContext: {
    runAsUser: runs("user of all containers", SECURITY),
    runAsGroup: runs("group of all containers; else that of the user in the image's /etc/passwd", SECURITY),
    runAsNonRoot: runs("root is refused", SECURITY),
    supplementalGroups: runs("further groups of all processes", SECURITY),
    supplementalGroupsPolicy: runs("Merge adds those of the image's /etc/group, Strict does not", SECURITY),
    fsGroup: runs("group that owns the volumes, which its processes have", VOLUMES),
    fsGroupChangePolicy: runs("Always, or OnRootMismatch: not when the volume's root has it already", VOLUMES),
    sysctls: runs("kernel parameters of the pod's namespaces: the safe ones, and those of allowed-unsafe-sysctls in the durable directory", SECURITY),
    seccompProfile: runs("RuntimeDefault when nothing is said, Unconfined, or Localhost: a file below seccomp/ of the durable directory", SECURITY),
    appArmorProfile: runs("RuntimeDefault, Unconfined or Localhost; a pod that asks for one where the kernel has none is rejected", SECURITY),
    seLinuxOptions: runs("label of the processes; an event tells when the kernel enforces none", SECURITY),
    seLinuxChangePolicy: none("labels of volumes are not changed"),
    windowsOptions: refused("wherry runs Linux containers"),
  },
  SeccompProfile: { type: runs("which profile", SECURITY), localhostProfile: runs("file of the profile", SECURITY) },
  AppArmorProfile: { type: runs("which profile", SECURITY), localhostProfile: runs("name of the profile", "src/container/config.test.ts") },
  SELinuxOptions: { user: runs("user", LABELS), role: runs("role", LABELS), type: runs("type", LABELS), level: runs("level", LABELS) },
  Sysctl: { name: runs("name", SECURITY), value: runs("value", SECURITY) },
  ResourceRequirements: {
    limits: runs("memory, cpu and huge pages are enforced by cgroups, ephemeral-storage is measured and the pod evicted, `vendor/class=device` is a CDI device; a limit that the host cannot enforce is reported as an event", RESOURCES),
    requests: runs("shares of the processor, the pod's class and its score when memory runs out", RESOURCES),
    claims: refused("dynamic resource allocation needs drivers of a cluster"),
  },
};
