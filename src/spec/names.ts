/** Branded names. A brand is made only by the parse functions here; everywhere else the type proves the check. */
import { fail } from "../base/errors.ts";

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Name of a service: an RFC 1123 label. */
export type ServiceName = Brand<string, "ServiceName">;
/** Kubernetes namespace: an RFC 1123 label. */
export type Namespace = Brand<string, "Namespace">;
/** Pod name: an RFC 1123 subdomain. */
export type PodName = Brand<string, "PodName">;
/** Container name, unique in its pod: an RFC 1123 label. */
export type ContainerName = Brand<string, "ContainerName">;
/** Pod uid: a lower-case UUID. */
export type PodUid = Brand<string, "PodUid">;
/** OCI container id: 64 lower-case hexadecimal digits, a new one for every start. */
export type ContainerId = Brand<string, "ContainerId">;

export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function parser<T extends string>(what: string, pattern: RegExp, rule: string): (text: string) => T {
  return (text) => {
    if (!pattern.test(text)) fail("invalid", `Cannot use "${text}" as ${what}: it must be ${rule}`);
    return text as T; // parse function: the pattern has just been checked
  };
}

const LABEL_RULE = "at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit";
export const serviceName = parser<ServiceName>("the name of a service", DNS_LABEL, LABEL_RULE);
export const namespace = parser<Namespace>("a namespace", DNS_LABEL, LABEL_RULE);
export const podName = parser<PodName>("the name of a pod", DNS_SUBDOMAIN, "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit");
export const containerName = parser<ContainerName>("the name of a container", DNS_LABEL, LABEL_RULE);
export const podUid = parser<PodUid>("a pod uid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a lower-case UUID");
export const containerId = parser<ContainerId>("a container id", /^[0-9a-f]{64}$/, "64 hexadecimal digits");

export const newPodUid = (): PodUid => podUid(crypto.randomUUID());
export const newContainerId = (): ContainerId =>
  containerId(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex"));

/** The namespace of what belongs to none: a PersistentVolume, or a Namespace itself. */
export const CLUSTER = "" as Namespace; // the one value that is no label

/** The service name of a manifest file: its base name without extension, made into a label (`~/My_Shop.yaml` → `my-shop`). */
export function serviceNameOf(file: string): ServiceName {
  const base = (file.split("/").at(-1) ?? "").replace(/\.(ya?ml|json)$/i, "");
  const label = base.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63).replace(/-+$/, "");
  return serviceName(label === "" ? "stdin" : label);
}
