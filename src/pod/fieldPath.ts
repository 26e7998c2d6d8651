/** Which part of a pod an event is about. */
import type { ContainerRecord } from "../state/state.ts";

/** `spec.containers{nginx}`, as the kubelet writes it. */
export const fieldPathOf = (container: Pick<ContainerRecord, "kind" | "name">): string =>
  `spec.${container.kind === "main" ? "containers" : "initContainers"}{${container.name}}`;
