/** For tests: a small world in a temporary directory, with real databases, and command lines run in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { durableDatabase, type Paths, runtimeDatabase } from "../base/paths.ts";
import { containerRecord, containerSpec, ended, ID, MINUTE, NOW, podRecord, running, SECOND, waiting } from "../pod/testing.ts";
import { CLUSTER, namespace, type Pod, serviceName } from "../spec/spec.ts";
import { type DurableState, type ObjectRecord, openDurable, openRuntime, type PodRecord, type RuntimeState, type ServiceRecord } from "../state/mod.ts";
import { contextOf, type Surroundings } from "./context.ts";
import type { ImageDriver } from "./imageDriver.ts";
import { run } from "./run.ts";
import { engineOf } from "./wiring.ts";

export interface World extends Disposable {
  readonly paths: Paths;
  readonly durable: DurableState;
  readonly runtime: RuntimeState;
  /** Runs a command line; resolves with what it printed. `onOutput` sees stdout as it grows; false from it closes stdout. */
  cli(argv: readonly string[], options?: CliOptions): Promise<Printed>;
}

export interface CliOptions {
  readonly stdin?: string;
  readonly onOutput?: (sofar: string) => boolean | void;
  /** Called when the command has begun to watch. */
  readonly onWatch?: () => void;
  /** In place of what is really done to images. */
  readonly images?: Partial<ImageDriver>;
  /** Standard input and output are terminals. */
  readonly terminal?: boolean;
  /** When a signal comes. */
  readonly interrupted?: Promise<void>;
}

export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty world. */
export function world(): World {
  const directory = mkdtempSync(`${tmpdir()}/wherry-cli-`);
  const paths: Paths = { durable: `${directory}/lib`, runtime: `${directory}/run`, logs: `${directory}/log`, self: [] };
  const durable = openDurable(durableDatabase(paths));
  const runtime = openRuntime(runtimeDatabase(paths));
  return {
    paths,
    durable,
    runtime,
    cli: (argv, options = {}) => cli(paths, argv, options),
    [Symbol.dispose]() {
      durable[Symbol.dispose]();
      runtime[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function cli(paths: Paths, argv: readonly string[], options: CliOptions): Promise<Printed> {
  const printed = { stdout: "", stderr: "" };
  const writer = (to: "stdout" | "stderr"): Surroundings["stdout"] => ({
    isTerminal: options.terminal === true && to === "stdout",
    write: async (data) => {
      printed[to] += typeof data === "string" ? data : Buffer.from(data).toString();
      return to === "stderr" || options.onOutput?.(printed.stdout) !== false;
    },
  });
  const around: Surroundings = {
    env: {},
    uid: 0,
    home: "/root",
    cwd: paths.durable,
    self: [], inside: false, enter: () => Promise.reject(new Error("not here")),
    stdout: writer("stdout"),
    stderr: writer("stderr"),
    stdin: stdinOf(options.stdin ?? "", options.terminal),
    columns: () => 80,
    screen: () => ({ columns: 80, rows: 24 }),
    now: () => NOW,
    node: () => ({ name: "host", ip: "192.0.2.1" }),
    interrupted: () => options.interrupted ?? new Promise(() => {}),
    engine: engineOf,
  };
  const engine = engineOf(paths);
  const watch: typeof engine.watch = async (...given) => {
    await engine.watch(...given);
    options.onWatch?.();
  };
  const status = await run(argv, () => ({ ...contextOf(around, {}), paths, engine: { ...engine, watch, images: async () => ({ ...(await engine.images()), ...options.images }) } }));
  return { status, ...printed };
}

/** A standard input with this text. */
export function stdinOf(text: string, isTerminal = false): Surroundings["stdin"] {
  return {
    isTerminal,
    text: async () => text,
    chunks: async function* () {
      if (text !== "") yield Buffer.from(text);
    },
  };
}

/** A service played ten minutes ago. */
export function serviceRecord(name: string): ServiceRecord {
  return { name: serviceName(name), files: [`/srv/${name}.yaml`], texts: ["…"], options: { exitPolicy: "none", network: "bridge", publish: [] }, revision: 1, playedAt: NOW - 10 * MINUTE };
}

/**
 * Fills a world: service shop runs pod web (an init container, nginx with a host port, and a side container that has
 * restarted) and pod job (crash-looping); service old is stopped; shop has a ConfigMap and a Secret.
 */
export function fill({ durable, runtime, paths }: World): { readonly web: PodRecord; readonly job: PodRecord } {
  const shop = serviceName("shop");
  durable.putService(serviceRecord("shop"), shopObjects());
  durable.putService(serviceRecord("old"), []);
  runtime.putRun({
    service: shop, id: ID("5"), bundle: `${paths.runtime}/services/shop/container`, monitorPid: 100, cgroup: "/wherry/shop", unit: "", startedAt: NOW - 5 * MINUTE, readyAt: 0,
    phase: "running", status: "1/2 pods ready", exitCode: 0,
  });
  const web = podRecord("web", { labels: { app: "shop", tier: "front" }, spec: webSpec() });
  const webContainers = [
    containerRecord(web, "setup", { kind: "init", state: ended("1", 0), image: "docker.io/library/busybox:1" }),
    containerRecord(web, "nginx", { state: running("a"), logPath: `${paths.logs}/web/nginx/0.log` }),
    containerRecord(web, "side", { position: 1, restarts: 2, state: running("b", NOW - 50 * SECOND), last: ended("c", 3), logPath: `${paths.logs}/web/side/2.log`, previousLogPath: `${paths.logs}/web/side/1.log` }),
  ];
  const job = podRecord("job", { uid: "00000000-0000-4000-8000-000000000002", readyAt: 0 });
  const jobContainers = [containerRecord(job, "main", { restarts: 4, failures: 4, state: waiting("CrashLoopBackOff"), last: ended("d", 1), logPath: `${paths.logs}/job/main/4.log`, previousLogPath: `${paths.logs}/job/main/3.log` })];
  runtime.addPod(web, webContainers, { subnet: "10.89.0.0/16", hostPorts: [{ ip: "", port: 8080, protocol: "tcp" }] });
  runtime.addPod(job, jobContainers, { subnet: "10.89.0.0/16", hostPorts: [] });
  addEvents(runtime, { web, job });
  return { web, job };
}

function webSpec(): Partial<Pod["spec"]> {
  return {
    initContainers: [containerSpec("setup", { image: "docker.io/library/busybox:1", command: ["sh", "-c", "true"] })],
    containers: [
      containerSpec("nginx", {
        ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP" }],
        env: [{ name: "MODE", value: "fast" }, { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "login", key: "password" } } }],
        envFrom: [{ configMapRef: { name: "settings" } }],
        volumeMounts: [{ name: "cache", mountPath: "/cache", readOnly: false }],
        resources: { limits: { cpu: "500m", memory: "64Mi" } },
      }),
      containerSpec("side"),
    ],
    volumes: [{ name: "cache", emptyDir: {} }],
  };
}

function shopObjects(): readonly ObjectRecord[] {
  const meta = (name: string): { name: string; namespace: ReturnType<typeof namespace>; labels: { app: string }; annotations: Record<string, string> } => ({ name, namespace: namespace("default"), labels: { app: "shop" }, annotations: {} });
  const service = serviceName("shop");
  return [
    { service, hash: "n", object: { apiVersion: "v1", kind: "Namespace", metadata: { ...meta("trade"), namespace: CLUSTER } } },
    { service, hash: "c", object: { apiVersion: "v1", kind: "ConfigMap", metadata: meta("settings"), data: { COLOUR: "blue" }, binaryData: {} } },
    { service, hash: "s", object: { apiVersion: "v1", kind: "Secret", metadata: meta("login"), type: "Opaque", data: { password: Buffer.from("hunter2").toString("base64") } } },
  ];
}

function addEvents(runtime: RuntimeState, { web, job }: { readonly web: PodRecord; readonly job: PodRecord }): void {
  const event = (pod: PodRecord, type: "Normal" | "Warning", [reason, message]: readonly [string, string]) =>
    ({ service: pod.service, namespace: pod.pod.metadata.namespace, kind: "Pod", name: pod.pod.metadata.name, uid: pod.uid, fieldPath: "spec.containers{main}", type, reason, message }) as const;
  runtime.addEvent(event(web, "Normal", ["Started", "Started container nginx"]), NOW - 3 * MINUTE);
  for (const ago of [4, 2, 1]) runtime.addEvent(event(job, "Warning", ["BackOff", "Back-off restarting failed container main in pod job"]), NOW - ago * MINUTE);
}
