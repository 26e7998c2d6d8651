/** What the end-to-end tests read of wherry's answers, and the manifests they play. */
import { eventually } from "./eventually.ts";
import { IMAGE } from "./image.ts";
import { expectStatus, type Room } from "./room.ts";

/** The part of a v1 Pod that tests look at. */
export interface PodView {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly startTime?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly hostIPs?: readonly { readonly ip: string }[];
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[];
    readonly containerStatuses?: readonly ContainerView[];
    readonly initContainerStatuses?: readonly ContainerView[];
  };
}

export interface ContainerView {
  readonly name: string;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
  readonly user?: unknown;
  readonly state: StateView;
  readonly lastState?: StateView;
}

export interface StateView {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string; readonly finishedAt: string };
}

/** `wherry get pods -A -o json`. */
export async function pods(room: Room): Promise<readonly PodView[]> {
  const list: { readonly items: readonly PodView[] } = JSON.parse(await room.ok(["get", "pods", "-A", "-o", "json"]));
  return list.items;
}

export async function pod(room: Room, name: string): Promise<PodView> {
  const found = (await pods(room)).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`There is no pod "${name}"`);
  return found;
}

/** Name and uid of every pod: what stays the same when nothing is remade. */
export async function identities(room: Room): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await pods(room)).map(({ metadata }) => [metadata.name, metadata.uid]));
}

export async function container(room: Room, podName: string, name = "main"): Promise<ContainerView> {
  const { status } = await pod(room, podName);
  const found = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find((each) => each.name === name);
  if (found === undefined) throw new Error(`Pod "${podName}" has no container "${name}"`);
  return found;
}

/** The addresses of a pod, IPv4 first. */
export const addresses = async (room: Room, name: string): Promise<readonly string[]> => ((await pod(room, name)).status.podIPs ?? []).map(({ ip }) => ip);

/** What a web server on the room's host says, once it listens. */
export async function answer(room: Room, url: string): Promise<string> {
  return eventually(async () => expectStatus(await room.run(["busybox", "wget", "-qO-", url], { timeout: 3_000 }), 0, ["wget", url]).stdout, { within: 5_000 });
}

/** What a web server at a pod's own address says, once it listens. */
export const answerOfPod = (room: Room, url: string): Promise<string> => answer({ ...room, run: (argv, options) => room.run(room.reaching(argv), options) }, url);

export interface PodText {
  /** Shell script of the container `main`; sleeps until it is told to end when absent. */
  readonly script?: string;
  readonly restartPolicy?: string;
  readonly grace?: number;
  /** More lines of the container, at the indentation of its fields. */
  readonly container?: string;
  /** More lines of the pod's spec, at the indentation of its fields. */
  readonly spec?: string;
}

/** Ends at once when asked to, with status 0. */
export const WAIT = "trap 'exit 0' TERM INT; echo started; sleep 100000 & wait";
/** Does not care for SIGTERM. */
export const STUBBORN = "trap '' TERM; echo started; while :; do sleep 100000; done";

/** A manifest of one pod with one container. */
export function podText(name: string, options: PodText = {}): string {
  const lines = [
    "apiVersion: v1",
    "kind: Pod",
    `metadata: {name: ${name}, labels: {app: ${name}}}`,
    "spec:",
    `  restartPolicy: ${options.restartPolicy ?? "Always"}`,
    `  terminationGracePeriodSeconds: ${options.grace ?? 1}`,
    "  containers:",
    "  - name: main",
    `    image: ${IMAGE}`,
    `    command: [sh, -c, ${JSON.stringify(options.script ?? WAIT)}]`,
  ];
  return [...lines, ...indented(options.container, 4), ...indented(options.spec, 2)].join("\n") + "\n";
}

function indented(text: string | undefined, columns: number): string[] {
  return text === undefined ? [] : text.trim().split("\n").map((line) => " ".repeat(columns) + line);
}

export const documents = (...texts: readonly string[]): string => texts.join("---\n");
