/**
 * The bare floor: network namespaces, netavark, conmon, crun create, crun start, called by a loop that keeps no state,
 * checks nothing and is killed with everything it has made. What an engine takes longer is the engine.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { semaphore } from "../src/base/semaphore.ts";
import { runInto, type Run } from "./command.ts";
import type { Engine, Places } from "./engine.ts";
import type { Manifest } from "./manifest.ts";

const NETAVARK = "/usr/lib/podman/netavark";
const POD = resolve(import.meta.dir, "floor-pod");
const NETWORK = { name: "floor", id: "f".repeat(64), driver: "bridge", network_interface: "floor0", subnets: [{ subnet: "10.88.0.0/16", gateway: "10.88.0.1" }], internal: false, ipv6_enabled: false, dns_enabled: false };

interface Floor {
  /** On tmpfs: state of crun and netavark, and one directory per pod. */
  readonly state: string;
  readonly rootfs: string;
  readonly run: Run;
}

/** One pod: its directory and its id, which is also the name of its network namespace. */
interface Bare {
  readonly directory: string;
  readonly id: string;
}

export function floorEngine({ disk, memory, archive }: Places): Engine {
  const floor = { state: `${memory}/floor`, rootfs: `${disk}/floor-rootfs`, run: runInto(`${disk}/floor.log`) };
  const started = new Map<string, readonly Bare[]>();
  return {
    name: "floor",
    async prepare() {
      mkdirSync(floor.rootfs, { recursive: true });
      await floor.run(["bsdtar", "-xf", archive, "-C", floor.rootfs]);
    },
    async stage(manifest) {
      started.set(manifest.file, await stage(floor, manifest));
    },
    play: ({ file }) => play(floor, started.get(file) ?? []),
    down: ({ file }) => down(floor, started.get(file) ?? []),
  };
}

/** Writes the files that the loop hands to the programs. */
async function stage({ state, rootfs, run }: Floor, { size, argv }: Manifest): Promise<readonly Bare[]> {
  const pods = Array.from({ length: size }, (_, index) => ({ id: `floor${index + 1}`, directory: `${state}/pods/floor${index + 1}` }));
  for (const { directory } of pods) mkdirSync(directory, { recursive: true });
  await run(["crun", "spec", "--file", `${state}/spec.json`]);
  const spec = specification(`${state}/spec.json`);
  for (const [index, { id, directory }] of pods.entries()) {
    writeFileSync(`${directory}/config.json`, JSON.stringify(configOf(spec, { id, rootfs, argv })));
    writeFileSync(`${directory}/network.json`, JSON.stringify(networkOf(id, index)));
  }
  writeFileSync(`${state}/namespaces`, pods.map(({ id }) => `netns add ${id}\n`).join(""));
  await run(["mkfifo", ...pods.map(({ directory }) => `${directory}/sync`)]);
  return pods;
}

/** The first netavark makes the bridge, which two at once would break; after it everything runs at once. */
async function play({ state, run }: Floor, pods: readonly Bare[]): Promise<void> {
  const turns = semaphore(4 * availableParallelism());
  const [first] = pods;
  if (first === undefined) return;
  await run(["ip", "-batch", `${state}/namespaces`]);
  await run([NETAVARK, "--config", `${state}/netavark`, "setup", `/run/netns/${first.id}`], { stdin: `${first.directory}/network.json` });
  rmSync(`${first.directory}/network.json`);
  await Promise.all(pods.map(({ directory, id }) => turns.run(() => run([POD, directory, id, state, NETAVARK]))));
}

/** Not measured: it need only leave nothing that the next round would meet. */
async function down({ state, run }: Floor, pods: readonly Bare[]): Promise<void> {
  for (const [index, { id, directory }] of pods.entries()) {
    await run(["crun", "--root", `${state}/crun`, "delete", "--force", id]);
    writeFileSync(`${directory}/network.json`, JSON.stringify(networkOf(id, index)));
    await run([NETAVARK, "--config", `${state}/netavark`, "teardown", `/run/netns/${id}`], { stdin: `${directory}/network.json` });
    await run(["ip", "netns", "delete", id]);
  }
  rmSync(state, { recursive: true });
}

function networkOf(id: string, index: number): unknown {
  const ip = `10.88.0.${index + 2}`;
  return { container_id: id, container_name: id, networks: { floor: { interface_name: "eth0", static_ips: [ip] } }, network_info: { floor: NETWORK }, port_mappings: null };
}

interface Spec {
  readonly process: object;
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}

/** What `crun spec` writes. A cast: crun is trusted to write an OCI configuration. */
const specification = (file: string): Spec => JSON.parse(readFileSync(file, "utf8")) as Spec;

function configOf(spec: Spec, { id, rootfs, argv }: { readonly id: string; readonly rootfs: string; readonly argv: readonly string[] }): unknown {
  const namespaces = spec.linux.namespaces.map((each) => (each.type === "network" ? { ...each, path: `/run/netns/${id}` } : each));
  return {
    ...spec,
    hostname: id,
    process: { ...spec.process, terminal: false, args: argv },
    root: { path: rootfs, readonly: true },
    linux: { ...spec.linux, namespaces, cgroupsPath: `/floor/${id}` },
  };
}
