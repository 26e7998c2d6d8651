/** How far a play has come with its pods, from their records: what who waits is told. Pure. */
import type { Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { mainContainers, nextToRun } from "./decide.ts";

/**
 * How far a play has come with a pod: every main container has been started once, or something keeps it from that.
 * Readiness probes will narrow `started` to Ready. `image`: it waits for nothing but images.
 */
export type Progress =
  | { readonly is: "pending"; readonly image?: boolean }
  | { readonly is: "started" }
  | { readonly is: "failed"; readonly reason: string; readonly message: string };

export interface ProgressOptions {
  /** Containers whose images are being pulled. */
  readonly held?: ReadonlySet<string>;
  /** A registry that cannot be reached is waited for: at boot the network may come later. */
  readonly patient?: boolean;
}

/** Reasons of a container that waits because its image does not come. */
const IMAGE = new Set(["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName"]);
const FATAL = new Set([...IMAGE, "CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);
const NONE: ReadonlySet<string> = new Set();

export function progressOf(record: PodRecord, containers: readonly ContainerRecord[], { held = NONE, patient = false }: ProgressOptions = {}): Progress {
  if (record.sandboxAt === 0 && record.reason !== "" && record.phase !== "Succeeded") return { is: "failed", reason: record.reason, message: record.message };
  if (containers.some((each) => each.state.status === "creating")) return { is: "pending" };
  const waitsForImage = (each: ContainerRecord): boolean => held.has(each.name) || (patient && isTransient(each));
  for (const each of containers) {
    const why = waitsForImage(each) ? undefined : failureOf(each);
    if (why !== undefined) return { is: "failed", ...why };
  }
  const waiting = mainContainers(containers).filter((each) => each.state.status !== "running" && lastEnd(each) === undefined);
  if (waiting.length === 0) return { is: "started" };
  const next = nextToRun(containers).filter((each) => each.kind === "init" || waiting.includes(each));
  const image = record.sandboxAt > 0 && next.every(waitsForImage);
  return { is: "pending", ...(image ? { image } : {}) };
}

const isTransient = ({ state }: ContainerRecord): boolean => state.status === "waiting" && state.transient === true && IMAGE.has(state.reason);

/**
 * True when waiting any longer tells nothing new: every pod has been started or cannot be; or one cannot be, and the
 * others only wait for images, which may take long.
 */
export function isDecided(pods: readonly Progress[]): boolean {
  const pending = pods.filter((each) => each.is === "pending");
  return pending.length === 0 || (pods.some((each) => each.is === "failed") && pending.every(({ image }) => image === true));
}

/** True for the failure of an image, which is tried again. */
export const isImageFailure = (progress: Progress): boolean => progress.is === "failed" && IMAGE.has(progress.reason);

/** An init container that failed so often is given up by who waits for the pod; its restarts go on. */
const INIT_TRIES = 3;

function failureOf(each: ContainerRecord): { reason: string; message: string } | undefined {
  const where = `container "${each.name}"`;
  if (each.state.status === "waiting" && FATAL.has(each.state.reason)) return { reason: each.state.reason, message: `${where}: ${each.state.message ?? ""}` };
  const end = lastEnd(each);
  if (end === undefined) return undefined;
  if (each.kind === "init" && each.state.status === "waiting" && each.failures >= INIT_TRIES) {
    return { reason: "Init:CrashLoopBackOff", message: `init ${where} ended with exit code ${end.exitCode}, ${each.failures} times` };
  }
  if (end.reason === "StartError") return { reason: "RunContainerError", message: `${where}: ${end.message ?? ""}` };
  if (each.kind === "init" && each.state.status === "terminated" && end.exitCode !== 0) return { reason: `Init:${end.reason}`, message: `init ${where} ended with exit code ${end.exitCode}` };
  return undefined;
}

/** How a container ended last; what it ended with before it was asked to start anew says nothing. */
function lastEnd({ state, last }: ContainerRecord): Terminated | undefined {
  if (state.status === "terminated") return state;
  return state.status === "waiting" && UNSTARTED.has(state.reason) ? undefined : last;
}

/** Reasons of a container that waits for the first start, or the one that was asked for, and not for a restart. */
const UNSTARTED = new Set(["ContainerCreating", "PodInitializing"]);
