/**
 * A host for the tests of pods: real records in a directory of its own, everything else in memory (the fakes of runtime
 * and network, an image, a kernel that only remembers).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fail } from "../base/errors.ts";
import { fakeNetwork, type FakeNetwork } from "../network/fake.ts";
import { fakeRuntime, type FakePayload, type FakeRuntime } from "../runtime/fake.ts";
import type { CreateRequest } from "../runtime/runtime.ts";
import { openRuntime } from "../state/runtime.ts";
import type { ClaimCatalog, ClaimRecord } from "../state/state.ts";
import { fakeCatalog } from "../storage/fake.ts";
import type { Image, ImageCatalog } from "../storage/storage.ts";
import type { FetchRequest } from "./fetch.ts";
import type { Kernel } from "./kernel.ts";
import type { PodHost } from "./pod.ts";
import { imagePuller } from "./puller.ts";

/** A fetch that goes on until the test ends it. */
export interface FakeFetch extends Pick<FetchRequest, "reference" | "environment" | "signal" | "onProgress"> {
  /** Texts of the files with credentials, as they were when it began. */
  readonly credentials: readonly string[];
  /** The image has come, under its name and with an id of its own. */
  come(): void;
  fail(thrown: unknown): void;
}

export interface FakeHost extends Disposable {
  readonly host: PodHost;
  readonly runtime: FakeRuntime;
  readonly network: FakeNetwork;
  /** What stands: paths of pinned namespaces, mounted shm and root filesystems. */
  readonly standing: ReadonlySet<string>;
  /** What happened to the kernel, the network and the runtime, by name, that a test wants to fail: `removeCgroup /wherry/shop/…`. */
  readonly broken: Set<string>;
  /** Fetches of images, in the order in which they began. */
  readonly fetches: readonly FakeFetch[];
  /** Payloads of the containers that start from now on, by container name; `{}` runs until it is stopped. */
  readonly payloads: Map<string, FakePayload>;
  /** The clock, in ms. */
  time: number;
  /** Resolves when `reached` says so; it is asked at every change. */
  until(reached: () => boolean): Promise<void>;
  /** To be called at every change. */
  changed(): void;
}

export function fakeHost(): FakeHost {
  const directory = mkdtempSync(`${tmpdir()}/wherry-pod-`);
  const standing = new Set<string>();
  const broken = new Set<string>();
  const payloads = new Map<string, FakePayload>();
  const waiting = new Set<() => void>();
  const clock = { time: 1_000_000 };
  const runtime = fakeRuntime({ behave: (request) => payloads.get(request.name) ?? {}, now: () => clock.time });
  const network = fakeNetwork({ refuse: ({ podName }) => (broken.has(`attach ${podName}`) ? "it is broken" : undefined) });
  const state = openRuntime(`${directory}/run.db`);
  const images = fakeCatalog([imageCalled("localhost/busybox:latest", "a")]);
  const fetches: FakeFetch[] = [];
  const host: PodHost = {
    paths: { durable: `${directory}/durable`, runtime: `${directory}/run`, logs: `${directory}/logs`, self: ["wherry"] },
    state,
    images,
    claims: fakeClaims(),
    puller: imagePuller({ fetch: fakeFetch(images, { fetches, onBegun: () => waiting.forEach((look) => look()) }), images, environment: {} }),
    runtime: breakable(runtime.runtime, broken),
    network,
    ipv6: () => true,
    bridge: { name: "fake", interface: "fake0", subnet: "10.99.0.0/24", gateway: "10.99.0.1", subnet6: "fd00:1::/64", gateway6: "fd00:1::1" },
    kernel: fakeKernel(standing, broken),
    limits: () => ({ hardRlimits: {}, cgroupVersion: "v2", controllers: [], seccompProfile: undefined, architecture: "x64", capabilities: [], devices: () => [], cdi: () => [], localSeccomp: () => undefined, seLinux: false, hugePageSizes: [] }),
    journal: false,
    admission: () => ({ appArmor: false, unsafeSysctls: [] }),
    node: () => ({ name: "node", ip: "192.0.2.1" }),
    now: () => clock.time,
  };
  return {
    host, runtime, network, standing, broken, payloads, fetches,
    get time() {
      return clock.time;
    },
    set time(time) {
      clock.time = time;
    },
    async until(reached) {
      const done = Promise.withResolvers<void>();
      const look = (): void => {
        if (reached()) done.resolve();
      };
      waiting.add(look);
      look();
      await done.promise.finally(() => waiting.delete(look));
    },
    changed: () => waiting.forEach((look) => look()),
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const imageCalled = (name: string, digit: string): Image => ({
  id: `sha256:${digit.repeat(64).slice(0, 64)}`, names: [name], digests: [], layers: [],
  config: { entrypoint: ["/bin/sh"], cmd: [], env: [], workingDir: "", user: "", stopSignal: "", volumes: [], labels: {}, exposedPorts: [] },
  size: 1, created: 1, importedAt: 1,
});

/** Given up, it fails at once, as the real one does when its process has ended. */
function fakeFetch(images: ImageCatalog, { fetches, onBegun }: { readonly fetches: FakeFetch[]; readonly onBegun: () => void }): (request: FetchRequest) => Promise<string> {
  return async ({ authFiles, ...request }) => {
    const outcome = Promise.withResolvers<string>();
    const image = imageCalled(request.reference, `${fetches.length + 1}0`);
    fetches.push({
      ...request,
      credentials: authFiles.map((file) => readFileSync(file, "utf8")),
      come() {
        images.put(image);
        outcome.resolve(image.id);
      },
      fail: outcome.reject,
    });
    onBegun();
    request.signal.addEventListener("abort", () => outcome.reject(request.signal.reason), { once: true });
    return await outcome.promise;
  };
}

function fakeClaims(): ClaimCatalog {
  const claims = new Map<string, ClaimRecord>();
  return {
    all: () => [...claims.values()],
    find: (namespace, name) => claims.get(`${namespace}/${name}`),
    put: (record) => void claims.set(`${record.claim.metadata.namespace}/${record.claim.metadata.name}`, record),
    remove: (namespace, name) => void claims.delete(`${namespace}/${name}`),
  };
}

/** `remove NAME` and `create NAME` of a container can be broken. */
function breakable(runtime: PodHost["runtime"], broken: ReadonlySet<string>): PodHost["runtime"] {
  const names = new Map<string, string>();
  return {
    ...runtime,
    async create(request: CreateRequest) {
      names.set(request.id, request.name);
      return await runtime.create(request);
    },
    async remove(id, bundle) {
      refuse(broken, `remove ${names.get(id) ?? ""}`);
      await runtime.remove(id, bundle);
    },
  };
}

function refuse(broken: ReadonlySet<string>, what: string): void {
  if (broken.has(what)) fail("failed", `Cannot ${what}: it is broken`);
}

function fakeKernel(standing: Set<string>, broken: ReadonlySet<string>): Kernel {
  const pinsOf = (files: Parameters<Kernel["makeNamespaces"]>[0]["files"]): readonly string[] => Object.values(files);
  return {
    makeNamespaces({ files }) {
      refuse(broken, "make namespaces");
      for (const path of pinsOf(files)) standing.add(path);
    },
    async makeUserNamespaces({ files }) {
      this.makeNamespaces({ files, hostname: "" });
    },
    ids: { claim: ({ recorded, record }) => recorded ?? (record(65_536), 65_536), release: () => {} },
    removeNamespaces: (files) => pinsOf(files).forEach((path) => standing.delete(path)),
    namespacesStand: (files) => pinsOf(files).every((path) => standing.has(path)),
    mountShm: (path) => void standing.add(path),
    unmountShm: (path) => void standing.delete(path),
    mountRootfs({ target }) {
      mkdirSync(`${target}/etc`, { recursive: true });
      standing.add(target);
    },
    unmountRootfs(target) {
      standing.delete(target);
      if (existsSync(target)) rmSync(target, { recursive: true });
    },
    isExiting: () => false,
    limitCgroup: () => {},
    mountImage: ({ target }) => void standing.add(target),
    async removeCgroup(path) {
      await Bun.sleep(1); // it waits for processes to end
      refuse(broken, `remove cgroup ${path}`);
    },
  };
}
