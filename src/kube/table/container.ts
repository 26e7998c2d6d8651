/** Containers: what they run, their environment, probes and hooks. */
import { none, refused, type Rows, runs } from "./row.ts";

const VOLUMES = "test/e2e/plain/volumes.test.ts";
const PLAY = "test/e2e/plain/play.test.ts";
const ATTACH = "test/e2e/plain/attach.test.ts";
const CONFIG = "test/e2e/plain/config.test.ts";
const SECURITY = "test/e2e/plain/security.test.ts";
const ENVIRONMENT = "test/e2e/plain/environment.test.ts";
const PROBES = "test/e2e/plain/probes.test.ts";
const GRPC = "src/pod/probeGrpc.test.ts";
const LIFECYCLE = "test/e2e/plain/lifecycle.test.ts";

export const CONTAINER: Readonly<Record<string, Rows>> = {
  Container: {
    name: runs("unique in the pod; name in logs and commands", PLAY),
    image: runs("reference of the image", PLAY),
    imagePullPolicy: runs("Always when the tag is latest or absent, else IfNotPresent", PLAY),
    command: runs("replaces the image's entrypoint; `$(VAR)` is expanded", PLAY),
    args: runs("replaces the image's command; `$(VAR)` is expanded", PLAY),
    workingDir: runs("replaces the image's working directory", PLAY),
    env: runs("wins over `envFrom`; `$(VAR)` means what stands before it", CONFIG),
    envFrom: runs("all keys of ConfigMaps and Secrets", CONFIG),
    ports: runs("names for ports, and ports of the host", PLAY),
    volumeMounts: runs("places of volumes in the container", PLAY),
    volumeDevices: runs("claims as block devices", VOLUMES),
    resources: runs("see ResourceRequirements", PLAY),
    resizePolicy: none("a changed pod is replaced"),
    restartPolicy: runs("Always makes an init container a sidecar", LIFECYCLE),
    restartPolicyRules: runs("by exit code", LIFECYCLE),
    livenessProbe: runs("failing, it restarts the container", PROBES),
    readinessProbe: runs("failing, the pod is not Ready", PROBES),
    startupProbe: runs("until it succeeds, no other probe runs", PROBES),
    lifecycle: runs("postStart and preStop hooks, stop signal", LIFECYCLE),
    terminationMessagePath: runs("file whose last 4096 bytes become the message of the end; of 12 KiB for the pod, each container has an even share", LIFECYCLE),
    terminationMessagePolicy: runs("File or FallbackToLogsOnError", LIFECYCLE),
    securityContext: runs("identity and rights of the container; wins over the pod's", SECURITY),
    stdin: runs("standard input that `attach -i` writes to", ATTACH),
    stdinOnce: runs("it ends with the first that was attached", ATTACH),
    tty: runs("a terminal, which input and output are", ATTACH),
  },
  ContainerPort: {
    name: runs("for probes", PLAY),
    containerPort: runs("port", PLAY),
    hostPort: runs("the same or another port of the host", PLAY),
    hostIP: runs("address of the host that it is bound to", PLAY),
    protocol: runs("TCP, UDP or SCTP", PLAY),
  },
  EnvVar: { name: runs("name", CONFIG), value: runs("value, with `$(VAR)` expanded", CONFIG), valueFrom: runs("see EnvVarSource", CONFIG) },
  EnvVarSource: {
    configMapKeyRef: runs("value of a key", CONFIG),
    secretKeyRef: runs("value of a key", CONFIG),
    fieldRef: runs("a field of the pod", ENVIRONMENT),
    resourceFieldRef: runs("a resource of the container", ENVIRONMENT),
    fileKeyRef: runs("a variable of a file", ENVIRONMENT),
  },
  ConfigMapKeySelector: { name: runs("ConfigMap", CONFIG), key: runs("key", CONFIG), optional: runs("missing is no error", CONFIG) },
  SecretKeySelector: { name: runs("Secret", CONFIG), key: runs("key", CONFIG), optional: runs("missing is no error", CONFIG) },
  ObjectFieldSelector: { fieldPath: runs("path of the field", ENVIRONMENT), apiVersion: runs("`v1`", ENVIRONMENT) },
  ResourceFieldSelector: {
    containerName: runs("container; itself when absent", ENVIRONMENT),
    resource: runs("a limit or request; without a limit, the pod's or what the host has", ENVIRONMENT),
    divisor: runs("unit, rounded up", ENVIRONMENT),
  },
  FileKeySelector: {
    volumeName: runs("an emptyDir volume, which need not be mounted", ENVIRONMENT),
    path: runs("file in it, with lines `NAME='value'`", ENVIRONMENT),
    key: runs("variable", ENVIRONMENT),
    optional: runs("missing is no error", ENVIRONMENT),
  },
  EnvFromSource: { prefix: runs("before every key", CONFIG), configMapRef: runs("all keys", CONFIG), secretRef: runs("all keys", CONFIG) },
  ConfigMapEnvSource: { name: runs("ConfigMap", CONFIG), optional: runs("missing is no error", CONFIG) },
  SecretEnvSource: { name: runs("Secret", CONFIG), optional: runs("missing is no error", CONFIG) },
  ContainerRestartRule: { action: runs("Restart, or RestartAllContainers", LIFECYCLE), exitCodes: runs("which exit codes", LIFECYCLE) },
  ContainerRestartRuleOnExitCodes: { operator: runs("In or NotIn", LIFECYCLE), values: runs("exit codes", LIFECYCLE) },
  Probe: {
    exec: runs("a command in the container; 0 is success", PROBES),
    httpGet: runs("a request from the host; 200 to 399 is success", PROBES),
    tcpSocket: runs("a connection from the host", PROBES),
    grpc: runs("grpc.health.v1 from the host", GRPC),
    initialDelaySeconds: runs("before the first probe; 0", PROBES),
    timeoutSeconds: runs("of one probe; 1", PROBES),
    periodSeconds: runs("between probes; 10", PROBES),
    successThreshold: runs("successes in a row; 1", PROBES),
    failureThreshold: runs("failures in a row; 3", PROBES),
    terminationGracePeriodSeconds: runs("in place of the pod's, when this probe ends the container", PROBES),
  },
  Lifecycle: { postStart: runs("right after the start", LIFECYCLE), preStop: runs("before the stop signal", LIFECYCLE), stopSignal: runs("in place of the image's", LIFECYCLE) },
  LifecycleHandler: { exec: runs("a command in the container", LIFECYCLE), httpGet: runs("a request from the host; without a network from inside the pod", LIFECYCLE), sleep: runs("a pause", LIFECYCLE), tcpSocket: refused("deprecated, and done by no kubelet") },
  ExecAction: { command: runs("words, not a shell's line", PROBES) },
  HTTPGetAction: { host: runs("the pod's address when absent", PROBES), port: runs("number or name", PROBES), path: runs("path", PROBES), scheme: runs("HTTP, or HTTPS without verification", PROBES), httpHeaders: runs("headers", PROBES) },
  HTTPHeader: { name: runs("name", PROBES), value: runs("value", PROBES) },
  TCPSocketAction: { host: runs("the pod's address when absent", PROBES), port: runs("number or name", PROBES) },
  GRPCAction: { port: runs("number", GRPC), service: runs("service asked for", GRPC) },
  SleepAction: { seconds: runs("seconds", LIFECYCLE) },
  SecurityContext: {
    runAsUser: runs("user", SECURITY),
    runAsGroup: runs("group", SECURITY),
    runAsNonRoot: runs("root is refused", SECURITY),
    privileged: runs("all rights that wherry has, and the devices of the host", SECURITY),
    allowPrivilegeEscalation: runs("false: set-uid programs give nothing (no_new_privs)", SECURITY),
    readOnlyRootFilesystem: runs("the root filesystem cannot be written", SECURITY),
    capabilities: runs("rights more or less", SECURITY),
    procMount: runs("Unmasked shows all of /proc; with hostUsers: false only", "test/e2e/plain/users.test.ts"),
    seccompProfile: runs("RuntimeDefault when nothing is said, Unconfined or Localhost", SECURITY),
    appArmorProfile: runs("RuntimeDefault, Unconfined or Localhost", SECURITY),
    seLinuxOptions: runs("label of the processes", SECURITY),
    windowsOptions: refused("wherry runs Linux containers"),
  },
  Capabilities: { add: runs("rights more", SECURITY), drop: runs("rights less; ALL first", SECURITY) },
};
