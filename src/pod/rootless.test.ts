import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { networkContract } from "../network/contract.ts";
import { rulesIn } from "../network/leftovers.ts";
import type { Attachment, PortMapping } from "../network/network.ts";
import { helperLives } from "../network/outside.ts";
import { startOf } from "../network/outsideWords.ts";
import { netnsIn, OUTSIDE, OUTSIDE_SETUP } from "../network/rootless.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { type Errand, goOn, GREETING_PORT, sendNeighbour } from "../../test/harness/neighbour.ts";
import { HOST_ADDRESS, HOST_ADDRESS6, lacksForUserRoom, NEIGHBOUR_ADDRESS, NEIGHBOUR_ADDRESS6, userRoom } from "../../test/harness/userRoom.ts";
import { NetworkThread } from "./networkThreadClient.ts";
import { recordOf } from "./publisher.ts";
import { rootlessParts } from "./rootless.ts";

const NEIGHBOUR = `${import.meta.dir}/../../test/harness/neighbour.ts`;
/** The file runs itself in the room, and then knows the room's directory. */
const inside = process.env["WHERRY_TEST_USER_ROOM"];
const lacks = lacksForUserRoom();

if (inside === undefined && lacks !== undefined) console.log(`the network of an ordinary user is not tested: ${lacks}`);

describe.skipIf(inside !== undefined || lacks !== undefined)("rootlessParts", () => {
  test("rootlessParts() pass their suite in an ordinary user's namespaces", async () => {
    using room = userRoom();
    const argv = ["sh", "-euc", `sh -euc "$SETUP" setup "$1/rootless"; exec "$2" test --timeout 30000 "$3"`, "suite", room.runtime, process.execPath, import.meta.path];
    const { status, stdout, stderr } = await room.run(argv, { timeout: 200_000, env: { SETUP: OUTSIDE_SETUP, WHERRY_TEST_USER_ROOM: room.runtime } });
    expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
  }, 240_000);
});

if (inside !== undefined) describe("rootlessParts in the namespaces", () => {
  const runtime = inside;
  const paths: Paths = { durable: `${runtime}/durable`, runtime, logs: `${runtime}/logs`, self: [process.execPath, `${import.meta.dir}/../main.ts`], rootless: { uid: 64_711 } };
  const parts = rootlessParts(paths);
  const { network, kernel, bridgeRequests: requests } = parts;
  const bridge = { name: "user", interface: "user0", subnet: "10.214.0.0/24", gateway: "10.214.0.1", subnet6: "fd14:214::/64", gateway6: "fd14:214::1" };
  const netns = netnsIn(`${runtime}/rootless`);
  const within = async (where: string, ...argv: readonly string[]): Promise<string> => (await exec(["nsenter", `--net=${where}`, "--", ...argv])).stdout;
  mkdirSync(`${runtime}/pods`, { recursive: true });

  async function pod(number: number, ports: readonly PortMapping[] = []): Promise<Attachment> {
    const own = `${runtime}/pods/${number}`;
    await kernel.makeNamespaces({ files: { network: own }, hostname: "" });
    return { uid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, podName: `pod-${number}`, netns: own, bridge, ip: `10.214.0.${number + 1}`, ports };
  }

  async function left(): Promise<readonly string[]> {
    const links = [...(await within(netns, "ip", "-oneline", "link")).matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = ""]) => name);
    const rules = (await Promise.all(["iptables-save", "ip6tables-save"].map((save) => within(netns, save)))).flatMap((text) => rulesIn(text, bridge));
    return [...links.filter((name) => name !== "lo" && name !== OUTSIDE.interface), ...rules];
  }

  const dropNamespace = ({ netns: own }: Attachment): void => kernel.removeNamespaces({ network: own });
  networkContract("rootlessParts().network", { network, pod, dropNamespace, left, close: () => undefined });

  /** What a process in a network namespace meets there. */
  const goFrom = async (where: string, errand: Errand): Promise<string> =>
    await within(where, process.execPath, "-e", `import { goOn } from ${JSON.stringify(NEIGHBOUR)}; console.log(await goOn(${JSON.stringify(errand)})); process.exit(0)`);

  /** Greeters in a pod, until disposed of. */
  async function serve({ netns: own }: Attachment, ...ports: readonly number[]): Promise<AsyncDisposable> {
    const child = Bun.spawn(["nsenter", `--net=${own}`, "--", process.execPath, NEIGHBOUR, ...ports.map(String)], { stdout: "pipe" });
    await child.stdout.getReader().read();
    return {
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.exited;
      },
    };
  }

  test("attach() brings pods to each other, to the world, and to a name server", async () => {
    const [one, two] = [await pod(1), await pod(2)];
    await Promise.all([network.attach(one), network.attach(two)]);
    await using _ = await serve(two, 80);
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await goFrom(one.netns, { protocol, host: two.ip, port: 80 })).toBe(`you are ${one.ip}\n`);
      expect(await goFrom(one.netns, { protocol, host: NEIGHBOUR_ADDRESS, port: GREETING_PORT })).toBe(`you are ${HOST_ADDRESS}\n`);
    }
    expect(await goFrom(one.netns, { protocol: "udp", host: OUTSIDE.nameServer, port: 53 })).toBe(`you are ${HOST_ADDRESS}\n`);
    await Promise.all([network.detach(one), network.detach(two)]);
    expect(await left()).toEqual([]);
  });

  test.skipIf(!existsSync("/proc/net/if_inet6"))("attach() brings a pod of two families to the world over IPv6", async () => {
    const one = { ...(await pod(1)), ip6: "fd14:214::2" };
    await network.attach(one);
    const errand = { protocol: "tcp", host: NEIGHBOUR_ADDRESS6, port: GREETING_PORT } as const;
    await eventually(async () => expect(await goFrom(one.netns, errand)).toBe(`you are ${HOST_ADDRESS6}\n`), { within: 5_000 });
    await network.detach(one);
    expect(await left()).toEqual([]);
  });

  test("makeNamespaces() gives a pod its host name, and a user namespace of its own", async () => {
    const files = { network: `${runtime}/pods/n`, uts: `${runtime}/pods/h`, ipc: `${runtime}/pods/i` };
    await kernel.makeNamespaces({ files, hostname: "web-0" });
    expect((await exec(["nsenter", `--uts=${files.uts}`, "hostname"])).stdout).toBe("web-0\n");
    const owned = { ...files, user: `${runtime}/pods/u` };
    await kernel.makeUserNamespaces({ files: owned, hostname: "web-1", ids: { first: 1000, count: 100 } });
    expect((await exec(["nsenter", `--user=${owned.user}`, `--uts=${owned.uts}`, "sh", "-c", "hostname; cat /proc/self/uid_map"])).stdout).toMatch(/^web-1\n +0 +1000 +100\n$/);
    kernel.removeNamespaces(owned);
  });

  test("probe() and hook() reach a pod, in the words of probes from outside", async () => {
    const one = await pod(1);
    await network.attach(one);
    const from = { address: one.ip, ports: [], signal: new AbortController().signal };
    const timing = { initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 2, successThreshold: 1, failureThreshold: 1 };
    const get = (port: number) => ({ path: "/healthy", port, scheme: "HTTP" as const, httpHeaders: [] });
    const script = `Bun.serve({ port: 80, fetch: ({ url }) => new Response("", { status: url.endsWith("/healthy") ? 200 : 500 }) }); console.log("up")`;
    const server = Bun.spawn(["nsenter", `--net=${one.netns}`, "--", process.execPath, "-e", script], { stdout: "pipe" });
    await server.stdout.getReader().read();
    expect(await requests?.probe({ ...timing, httpGet: get(80) }, from)).toEqual({ is: "success" });
    expect(await requests?.probe({ ...timing, tcpSocket: { port: 80 } }, from)).toEqual({ is: "success" });
    expect(await requests?.probe({ ...timing, httpGet: { ...get(80), path: "/ill" } }, from)).toEqual({ is: "failure", output: "HTTP probe failed with statuscode: 500" });
    expect(await requests?.probe({ ...timing, httpGet: get(81) }, from)).toEqual({ is: "failure", output: `Get "http://${one.ip}:81/healthy": dial tcp ${one.ip}:81: connect: connection refused` });
    expect(await requests?.probe({ ...timing, tcpSocket: { port: 81 } }, from)).toEqual({ is: "failure", output: `dial tcp ${one.ip}:81: connect: connection refused` });
    expect(await requests?.hook(get(80), from)).toBeUndefined();
    expect(await requests?.hook(get(81), from).catch(messageOf)).toEndWith("connection refused"); // `rejects` would wait without hearing the thread
    server.kill("SIGKILL");
    await network.detach(one);
    expect(readdirSync(`${runtime}/rootless/ways`)).toEqual([]);
  });

  test("probe() is given up when it is aborted", async () => {
    const giving = new AbortController();
    const probe = { tcpSocket: { port: 9 }, initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 60, successThreshold: 1, failureThreshold: 1 };
    const result = requests?.probe(probe, { address: "192.0.2.77", ports: [], signal: giving.signal });
    giving.abort();
    expect(await result).toEqual({ is: "failure", output: "dial tcp 192.0.2.77:9: operation was canceled" });
  });

  const mapping = (hostPort: number, protocol: PortMapping["protocol"], hostIP = ""): PortMapping => ({ containerPort: 80, hostPort, hostIP, protocol });
  const failureOf = async (action: Promise<unknown>): Promise<unknown> => await action.then(() => undefined, (thrown: unknown) => thrown);

  test("attach() publishes host ports, with the addresses that clients have", async () => {
    const one = await pod(1, [mapping(8080, "tcp"), mapping(8080, "udp"), mapping(8081, "tcp", "127.0.0.1")]);
    await network.attach(one);
    await using _ = await serve(one, 80);
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await sendNeighbour(NEIGHBOUR_ADDRESS, { protocol, host: HOST_ADDRESS, port: 8080 })).toBe(`you are ${NEIGHBOUR_ADDRESS}`);
      expect(await goOn({ protocol, host: HOST_ADDRESS, port: 8080 })).toBe(`you are ${HOST_ADDRESS}`);
      expect(await goOn({ protocol, host: "127.0.0.1", port: 8080 })).toBe(`you are ${bridge.gateway}`);
    }
    expect(await goOn({ protocol: "tcp", host: "127.0.0.1", port: 8081 })).toBe(`you are ${bridge.gateway}`);
    expect(await sendNeighbour(NEIGHBOUR_ADDRESS, { protocol: "tcp", host: HOST_ADDRESS, port: 8081 })).toBe("ECONNREFUSED");
    const two = await pod(2);
    await network.attach(two);
    expect(await goFrom(two.netns, { protocol: "tcp", host: HOST_ADDRESS, port: 8080 })).toBe(`you are ${HOST_ADDRESS}\n`);
    await Promise.all([network.detach(one), network.detach(two)]);
    expect(await goOn({ protocol: "tcp", host: "127.0.0.1", port: 8080 })).toBe("ECONNREFUSED");
    expect(readdirSync(`${runtime}/rootless/published`)).toEqual([]);
    expect(await left()).toEqual([]);
  }, 20_000);

  test("attach() says what is wrong with a host port, and can be tried again", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 8082, socket: { data: () => undefined } });
    const one = await pod(1, [mapping(8082, "tcp", "127.0.0.1")]);
    expect(await failureOf(network.attach(one))).toMatchObject({
      kind: "conflict", code: "EPORTINUSE",
      message: `Cannot publish port "8082/tcp" of pod "pod-1": on 127.0.0.1 it is in use by "bun.exe" (process ${process.pid}), it must be free`,
    });
    taken.stop(true);
    await network.attach(one);
    await network.detach(one);
    expect(await failureOf(network.attach({ ...one, ports: [mapping(81, "tcp")] }))).toMatchObject({ kind: "unavailable", code: "ELOWPORT", hint: "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=81" });
    expect(await failureOf(network.attach({ ...one, ports: [mapping(8083, "sctp")] }))).toMatchObject({ kind: "unsupported" });
    expect(await failureOf(network.attach({ ...one, ports: [mapping(8083, "udp", "192.0.2.200")] }))).toMatchObject({ kind: "conflict", message: expect.stringContaining("no address of this host") });
    await network.detach(one);
    expect(await left()).toEqual([]);
  }, 20_000);

  /** What the process that publishes a pod's ports has recorded; empty before it has. */
  const published = ({ uid }: Attachment): string => {
    const file = `${runtime}/rootless/published/${uid}`;
    return readIfExists(recordOf({ file, token: readIfExists(file) ?? "" })) ?? "";
  };

  test("resume() publishes again what another process has published and somebody has killed", async () => {
    const one = await pod(1, [mapping(8084, "tcp")]);
    await network.attach(one);
    await using _ = await serve(one, 80);
    const other = rootlessParts(paths).network;
    const pidOf = (): number => Number(published(one).split(" ")[0]);
    const first = pidOf();
    await other.resume?.(one);
    expect(pidOf()).toBe(first);
    process.kill(first, "SIGKILL");
    while (existsSync(`/proc/${first}`)) await Bun.sleep(1);
    await other.resume?.(one);
    const second = pidOf();
    expect(await sendNeighbour(NEIGHBOUR_ADDRESS, { protocol: "tcp", host: HOST_ADDRESS, port: 8084 })).toBe(`you are ${NEIGHBOUR_ADDRESS}`);
    process.kill(second, "SIGKILL");
    while ([0, second].includes(pidOf())) await Bun.sleep(20); // its starter starts it again
    await network.detach(one);
    await Bun.sleep(1100); // nobody does any more
    expect(readdirSync(`${runtime}/rootless/published`)).toEqual([]);
    expect(await goOn({ protocol: "tcp", host: HOST_ADDRESS, port: 8084 })).toBe("ECONNREFUSED");
  }, 20_000);

  test("a publisher that an earlier process has started, and that is killed, is started again by who has taken the pod over", async () => {
    const one = await pod(1, [mapping(8085, "tcp")]);
    const script = `const { network } = (await import(${JSON.stringify(`${import.meta.dir}/rootless.ts`)})).rootlessParts(${JSON.stringify(paths)});
      await network.attach(${JSON.stringify(one)}); process.exit(0);`;
    await exec([process.execPath, "-e", script]);
    await network.resume?.(one);
    await network.resume?.(one);
    const first = published(one);
    await using _ = await serve(one, 80);
    process.kill(Number(first.split(" ")[0]), "SIGKILL");
    await eventually(async () => expect(["", first]).not.toContain(published(one)), { within: 5_000 });
    await eventually(async () => expect(await goOn({ protocol: "tcp", host: "127.0.0.1", port: 8085 })).toBe(`you are ${bridge.gateway}`), { within: 5_000 });
    await network.detach(one);
    await Bun.sleep(1100);
    expect(readdirSync(`${runtime}/rootless/published`)).toEqual([]);
  }, 20_000);

  test("attach() and detach() go on where a killed process stopped", async () => {
    for (const attached of [0, 1, 4]) {
      const pods = await Promise.all(Array.from({ length: 6 }, (_, index) => pod(index + 1, index % 2 === 0 ? [mapping(24001 + index, "tcp")] : [])));
      const script = `const { network } = (await import(${JSON.stringify(`${import.meta.dir}/rootless.ts`)})).rootlessParts(${JSON.stringify(paths)});
        process.stdout.write("."); await Promise.all(${JSON.stringify(pods)}.map((each) => network.attach(each).then(() => process.stdout.write("."))));`;
      const child = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
      let dots = 0;
      for await (const chunk of child.stdout) if ((dots += chunk.length) > attached) break;
      child.kill("SIGKILL");
      await child.exited;
      await Promise.all(pods.map((each, index) => (index < 3 ? network.attach(each) : network.detach(each))));
      await Promise.all(pods.slice(0, 3).map((each) => network.detach(each)));
      expect(await left()).toEqual([]);
      await eventually(async () => expect(readdirSync(`${runtime}/rootless/published`)).toEqual([]), { within: 2_000 }); // one that comes late sees that it is not wanted
    }
  }, 30_000);

  test("startOf() connects by slirp4netns, too", async () => {
    const directory = `${runtime}/slirp`;
    mkdirSync(directory);
    await exec(["sh", "-euc", ': >"$1/netns"; unshare --net="$1/netns" ip link set lo up', "make", directory]);
    await exec(["sh", "-euc", startOf("slirp4netns"), "start", directory]);
    expect(helperLives(directory)).toBe(true);
    expect(await goFrom(`${directory}/netns`, { protocol: "tcp", host: NEIGHBOUR_ADDRESS, port: GREETING_PORT })).toBe(`you are ${HOST_ADDRESS}\n`);
    expect(await goFrom(`${directory}/netns`, { protocol: "udp", host: OUTSIDE.nameServer, port: 53 })).toBe(`you are ${HOST_ADDRESS}\n`);
    process.kill(Number(readFileSync(`${directory}/outside`, "utf8").split(" ")[0]));
  });

  const helper = `${runtime}/rootless/outside`;
  const killHelper = (): number => {
    const [pid = 0] = readFileSync(helper, "utf8").split(" ").map(Number);
    process.kill(pid, "SIGKILL");
    return pid;
  };

  test("attach() starts the helper again when it was killed", async () => {
    const one = await pod(1);
    const pid = killHelper();
    while (existsSync(`/proc/${pid}`)) await Bun.sleep(1);
    await network.attach(one);
    expect(await goFrom(one.netns, { protocol: "tcp", host: NEIGHBOUR_ADDRESS, port: GREETING_PORT })).toBe(`you are ${HOST_ADDRESS}\n`);
    await network.detach(one);
  });

  test("a helper that is killed while pods are attached is started again at once, by one of those who have them", async () => {
    const [one, two] = [await pod(1), await pod(2)];
    const other = rootlessParts(paths).network;
    await Promise.all([network.attach(one), other.attach(two)]);
    const first = killHelper();
    while (existsSync(`/proc/${first}`)) await Bun.sleep(1);
    const answers = (): Promise<string> => goFrom(one.netns, { protocol: "tcp", host: NEIGHBOUR_ADDRESS, port: GREETING_PORT });
    await eventually(async () => expect(await answers()).toBe(`you are ${HOST_ADDRESS}\n`), { within: 3_000 });
    await Promise.all([network.detach(one), other.detach(two)]);
    expect(killHelper()).not.toBe(first);
    await Bun.sleep(500); // nobody needs it
    expect(helperLives(`${runtime}/rootless`)).toBe(false);
  });
});

test("NetworkThread fails whoever waits when it cannot begin", async () => {
  const thread = new NetworkThread({ netns: "/nowhere", network: { registerDirectory: "/nowhere", lockPath: "/nowhere" }, waysDirectory: "/nowhere" });
  const calls = [1, 2].map(() => thread.call("makeNamespaces", { files: {}, hostname: "" }).catch((thrown: unknown) => thrown));
  for (const thrown of await Promise.all(calls)) expect(thrown).toMatchObject({ kind: "unavailable", code: "ENETWORKTHREAD", message: expect.stringContaining('Cannot work in network namespace "/nowhere"') });
});
