/** Values that the tests of this folder share. */
import { containerName, type Container, type ImageConfig, namespace, newContainerId, type Pod, podName } from "../spec/spec.ts";
import type { ConfigInput, HostLimits } from "./container.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";

export const image: ImageConfig = {
  entrypoint: ["/docker-entrypoint.sh"], cmd: ["nginx", "-g", "daemon off;"], env: ["PATH=/usr/local/bin:/usr/bin:/bin", "NGINX_VERSION=1.27"],
  workingDir: "", user: "", stopSignal: "SIGQUIT", volumes: [], labels: {}, exposedPorts: ["80/tcp"],
};

/** A container named web that asks for nothing, changed. */
export function containerOf(change: Partial<Container> = {}): Container {
  return {
    name: containerName("web"), image: "nginx:1.27", imagePullPolicy: "IfNotPresent", env: [], envFrom: [], ports: [], volumeMounts: [],
    resources: { limits: {} }, ...change,
  };
}

/** A pod named shop in namespace default, changed. */
export function podOf(containers: readonly Container[], change: Partial<Pod["spec"]> = {}): Pod {
  return {
    apiVersion: "v1", kind: "Pod", metadata: { name: podName("shop"), namespace: namespace("default"), labels: {}, annotations: {} },
    spec: { initContainers: [], containers, volumes: [], restartPolicy: "Always", terminationGracePeriodSeconds: 30, hostNetwork: false, ...change },
  };
}

/** A small profile with one rule of every sort; the real one would drown the golden files. */
const seccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] }],
  syscalls: [{ names: ["read", "write"], action: "SCMP_ACT_ALLOW", args: [], includes: {}, excludes: {} }],
};

export const host: HostLimits = {
  hardRlimits: {}, cgroupVersion: "v2", controllers: ["cpu", "memory", "pids"], seccompProfile, architecture: "x64", kernel: "6.1.0-13-amd64",
  memory: 8 * 2 ** 30, swapAccounting: true, hugePageSizes: ["2Mi", "1Gi"], capabilities: [...DEFAULT_CAPABILITIES, "CAP_NET_ADMIN", "CAP_SYS_ADMIN"], seLinux: false,
  devices: () => [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
  cdi: () => [],
  localSeccomp: (path) => ({ defaultAction: "SCMP_ACT_LOG", comment: path }),
};

/** A plain pod's container on a v2 host with everything, changed. */
export function inputOf(change: Partial<ConfigInput> = {}): ConfigInput {
  const container = change.container ?? containerOf();
  return {
    pod: podOf([container]), container, id: newContainerId(), image, identity: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
    env: [], rootfs: "/run/wherry/pods/p/containers/c/rootfs",
    binds: [
      { source: "/run/wherry/pods/p/shm", destination: "/dev/shm", readOnly: false, recursive: false },
      { source: "/run/wherry/pods/p/hosts", destination: "/etc/hosts", readOnly: false, recursive: false },
    ],
    namespaces: { network: "/run/wherry/pods/p/netns", ipc: "/run/wherry/pods/p/ipcns", uts: "/run/wherry/pods/p/utsns" },
    hostname: "shop", cgroupsPath: "/wherry/shop/p/c", host, ...change,
  };
}
