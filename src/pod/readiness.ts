/** When a pod is Ready: every main container runs. Readiness probes and gates will be asked here. Pure. */
import type { ContainerRecord } from "../state/state.ts";
import { mainContainers } from "./decide.ts";

export const isReady = (containers: readonly ContainerRecord[]): boolean =>
  mainContainers(containers).every((each) => each.state.status === "running");
