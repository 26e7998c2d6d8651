/** How far a play has come with its pods, from their records: what who waits is told. Pure. */
import type { Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { EXPIRED, HOOK_FAILED, mainContainers, nextToRun } from "./decide.ts";
import { specOf } from "./image.ts";
import { closedGates, containerReady, isProbed, lasting } from "./readiness.ts";

/**
 * How far a play has come with a pod: it is Ready (a container without probes has then been started once, whatever
 * became of it), or something keeps it from that. `image`: it waits for nothing but images.
 */
export type Progress =
  | { readonly is: "pending"; readonly image?: boolean }
  | { readonly is: "started" }
  /** A container cannot be made as it is configured: it is tried again, and what it waits for may be mended meanwhile. */
  | { readonly is: "waiting"; readonly container: string; readonly reason: string; readonly message: string }
  | { readonly is: "failed"; readonly reason: string; readonly message: string };

export interface ProgressOptions {
  /** Containers whose images are being pulled. */
  readonly held?: ReadonlySet<string>;
  /** It is a unit that waits: for a registry that cannot be reached, since at boot the network may come later, and for what may be mended. */
  readonly patient?: boolean;
}

/** Reasons of a container that waits because its image does not come. */
export const IMAGE_FAILURES: ReadonlySet<string> = new Set(["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName"]);
const FATAL = new Set([...IMAGE_FAILURES, "CreateContainerError", "RunContainerError"]);
const MENDABLE = "CreateContainerConfigError";
const NONE: ReadonlySet<string> = new Set();

export function progressOf(record: PodRecord, containers: readonly ContainerRecord[], { held = NONE, patient = false }: ProgressOptions = {}): Progress {
  if (record.reason === EXPIRED.reason) return { is: "failed", ...EXPIRED };
  if (record.sandboxAt === 0 && record.reason !== "" && record.phase !== "Succeeded") return { is: "failed", reason: record.reason, message: record.message };
  if (containers.some((each) => each.state.status === "creating")) return { is: "pending" };
  const waitsForImage = (each: ContainerRecord): boolean => held.has(each.name) || (patient && isTransient(each));
  for (const each of containers) {
    const why = waitsForImage(each) ? undefined : failureOf(record, each);
    if (why !== undefined) return { is: "failed", ...why };
  }
  const unmade = containers.some((each) => held.has(each.name)) ? undefined : waitingOf(containers);
  if (unmade !== undefined) return unmade;
  const waiting = lasting(containers).filter((each) => !hasCome(record, each));
  if (waiting.length === 0) return isOver(record, containers) || closedGates(record).length === 0 ? { is: "started" } : { is: "pending" };
  const next = nextToRun(record, containers).filter((each) => each.kind === "init" || waiting.includes(each));
  const image = record.sandboxAt > 0 && next.every(waitsForImage);
  return { is: "pending", ...(image ? { image } : {}) };
}

function waitingOf(containers: readonly ContainerRecord[]): Progress | undefined {
  for (const { name, state } of containers) {
    if (state.status === "waiting" && state.reason === MENDABLE) return { is: "waiting", container: name, reason: state.reason, message: state.message ?? "" };
  }
  return undefined;
}

/** Nothing more is to be expected of a container: it is ready, or has ended for good, or has no probe and has been started once. */
function hasCome(record: PodRecord, container: ContainerRecord): boolean {
  if (containerReady(record, container) || container.state.status === "terminated") return true;
  return container.kind === "main" && !isProbed(specOf(record, container)) && lastEnd(container) !== undefined;
}

const isOver = (record: PodRecord, containers: readonly ContainerRecord[]): boolean =>
  record.phase === "Succeeded" || record.phase === "Failed" || mainContainers(containers).every((each) => each.state.status === "terminated");

const isTransient = ({ state }: ContainerRecord): boolean => state.status === "waiting" && state.transient === true && IMAGE_FAILURES.has(state.reason);

/**
 * True when waiting any longer tells nothing new: every pod has been started or cannot be; or one cannot be, and the
 * others only wait for images, which may take long, or to be mended. Who is patient waits for what may be mended, too.
 */
export function isDecided(pods: readonly Progress[], { patient = false }: Pick<ProgressOptions, "patient"> = {}): boolean {
  const open = pods.filter((each) => isOpen(each, patient));
  return open.length === 0 || (pods.some((each) => each.is === "failed") && open.every((each) => each.is !== "pending" || each.image === true));
}

/** Something more is to be expected of the pod. */
export const isOpen = (progress: Progress, patient: boolean): boolean => progress.is === "pending" || (patient && progress.is === "waiting");

/** True for the failure of an image, which is tried again. */
export const isImageFailure = (progress: Progress): boolean => progress.is === "failed" && IMAGE_FAILURES.has(progress.reason);

/** An init container, or one with probes, that ended so often is given up by who waits for the pod; its restarts go on. */
const TRIES = 3;

function failureOf(record: PodRecord, each: ContainerRecord): { reason: string; message: string } | undefined {
  const where = `container "${each.name}"`;
  if (each.state.status === "waiting" && FATAL.has(each.state.reason)) return { reason: each.state.reason, message: `${where}: ${each.state.message ?? ""}` };
  const end = lastEnd(each);
  if (end === undefined) return undefined;
  if (each.kind === "init" && each.state.status === "waiting" && each.failures >= TRIES) {
    return { reason: "Init:CrashLoopBackOff", message: `init ${where} ended with exit code ${end.exitCode}, ${each.failures} times` };
  }
  if (each.kind !== "init" && each.state.status === "waiting" && each.failures >= TRIES && (each.kind === "sidecar" || isProbed(specOf(record, each)))) {
    const { hookError } = each.health ?? {};
    if (hookError !== undefined && each.health?.id === end.id) return { reason: HOOK_FAILED, message: `${where}: ${hookError}` };
    return { reason: "CrashLoopBackOff", message: `${where} ended with exit code ${end.exitCode}, ${each.failures} times` };
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
