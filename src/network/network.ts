/**
 * The network driver: pod network namespaces, netavark on a bridge, and the three files every pod gets.
 * Values in, values out; which address a pod has is the caller's (`run.db`).
 */
export interface PortMapping {
  readonly containerPort: number;
  readonly hostPort: number;
  /** Empty: all addresses. */
  readonly hostIP: string;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface Bridge {
  /** Name of the network, `wherry`. */
  readonly name: string;
  /** Interface on the host, at most 15 characters, `wherry0`. */
  readonly interface: string;
  /** `10.89.0.0/16` */
  readonly subnet: string;
  readonly gateway: string;
  /** The same of IPv6, where the host has it: `fd12:3456:789a::/64`, with the gateway at its `::1`. */
  readonly subnet6: string;
  readonly gateway6: string;
}

export interface Attachment {
  /** Pod uid; netavark's container id is derived from it. */
  readonly uid: string;
  readonly podName: string;
  readonly netns: string;
  readonly bridge: Bridge;
  readonly ip: string;
  /** Its IPv6 address; absent: it has none. */
  readonly ip6?: string;
  readonly ports: readonly PortMapping[];
}

/** Files that pin a pod's namespaces. */
export interface NamespaceFiles {
  /** The pod's own user namespace, which owns the others. */
  readonly user?: string;
  readonly network?: string;
  readonly ipc?: string;
  readonly uts?: string;
}

export interface Network {
  /**
   * Attaches a pod's network namespace. Repeating it after a crash is safe. Safe while other processes attach and detach. Kind `failed` with netavark's sentence.
   * `tell` hears why the pod does not reach the outside, where that is no failure; also later, until it is detached.
   */
  attach(attachment: Attachment, tell?: (why: string) => void): Promise<{ readonly mac: string }>;
  /**
   * Takes back everything `attach` made: interface, firewall rules, and with the last pod of the bridge the bridge itself.
   * What is gone already is success, also when the namespace file is missing or unmounted. Comes before `removeNamespaces`:
   * an interface whose namespace is gone from its file ends when the kernel ends that namespace.
   */
  detach(attachment: Attachment): Promise<void>;
  /** For who takes over a pod that is attached: starts again what runs for it and has ended meanwhile. Absent where nothing runs. */
  resume?(attachment: Attachment, tell?: (why: string) => void): Promise<void>;
}

/** Code of the error that leaves the calling thread in a pod's namespaces: whoever sees it must end the process at once. */
export const LOST_NAMESPACE = "ELOSTNAMESPACE";
