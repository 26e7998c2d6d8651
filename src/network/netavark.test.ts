import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { interfaceIndex } from "../base/libc.ts";
import { anchorOf } from "./anchor.ts";
import { networkContract } from "./contract.ts";
import { listLeftovers } from "./leftovers.ts";
import { hostHasIPv6 } from "./ipv6.ts";
import { inNetwork, makeNamespaces } from "./namespaces.ts";
import type { Network, PortMapping } from "./network.ts";
import { realBridge } from "./realBridge.ts";
import { register } from "./register.ts";
import { networkHashOf } from "./request.ts";
import { addVeth, deleteLink } from "./rtnetlink.ts";

const NETAVARK = "/usr/lib/podman/netavark";
const able = process.getuid?.() === 0 && existsSync(NETAVARK);
const number = process.pid % 120; // of this run's bridge; the next 120 are for a second one

const port = (hostPort: number, hostIP = ""): PortMapping => ({ containerPort: 8080, hostPort, hostIP, protocol: "tcp" });
const addresses6 = (netns: string): Promise<string> => exec(["nsenter", `--net=${netns}`, "ip", "-6", "-oneline", "address", "show", "dev", "eth0"]).then(({ stdout }) => stdout);
const routes6 = (netns: string): Promise<string> => exec(["nsenter", `--net=${netns}`, "ip", "-6", "route", "show", "default"]).then(({ stdout }) => stdout.trim());
const get = (url: string): Promise<string> => fetch(url, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text());

if (able) networkContract("netavarkNetwork", realBridge(number));

describe.skipIf(!able)("netavarkNetwork (needs root and netavark)", () => {
  const real = realBridge(number + 120);
  const { network, bridge, directory } = real;
  afterAll(() => real.close());

  /** An HTTP server in a pod's namespace: its socket is opened there and served from here. */
  const serve = (netns: string, text: string) => inNetwork(netns, () => Bun.serve({ port: 8080, hostname: "0.0.0.0", fetch: () => new Response(text) }));
  const within = (netns: string, ...argv: readonly string[]) => exec(["nsenter", `--net=${netns}`, ...argv], { timeout: 10_000 });

  test("attach() lets pods reach each other, their gateway, and be reached", async () => {
    const [one, two] = [real.pod(1), real.pod(2)];
    await Promise.all([network.attach(one), network.attach(two)]);
    using server = serve(one.netns, "from one");
    expect((await within(two.netns, "busybox", "ping", "-c1", "-W2", one.ip)).status).toBe(0);
    expect((await within(two.netns, "busybox", "ping", "-c1", "-W2", bridge.gateway)).status).toBe(0);
    expect((await within(two.netns, "busybox", "wget", "-qO-", `http://${one.ip}:8080/`)).stdout).toBe("from one");
    expect(await get(`http://${one.ip}:8080/`)).toBe("from one");
    server.stop(true);
    await Promise.all([network.detach(one), network.detach(two)]);
    expect(await real.left()).toEqual([]);
  });

  test("attach() makes host ports answer, on 127.0.0.1, the gateway and from another pod", async () => {
    const [pod, other] = [real.pod(1, [port(23001), port(23002, "127.0.0.1")]), real.pod(2)];
    await network.attach(pod);
    await network.attach(other);
    using server = serve(pod.netns, "published");
    for (const where of ["127.0.0.1:23001", `${bridge.gateway}:23001`, "127.0.0.1:23002"]) expect(await get(`http://${where}/`)).toBe("published");
    await expect(get(`http://${bridge.gateway}:23002/`)).rejects.toThrow();
    expect((await within(other.netns, "busybox", "wget", "-qO-", `http://${bridge.gateway}:23001/`)).stdout).toBe("published");
    server.stop(true);
    await network.detach(pod);
    await expect(get("http://127.0.0.1:23001/")).rejects.toThrow();
    await network.detach(other);
    expect(await real.left()).toEqual([]);
  });

  test.skipIf(!hostHasIPv6())("attach() gives every pod IPv6 that can be used at once, whoever opens the bridge and who has ports", async () => {
    const pods = [real.pod(1), real.pod(2), real.pod(3, [port(23003)]), real.pod(4, [port(23004, "127.0.0.1")])];
    for (const pod of pods) {
      await network.attach(pod);
      const { ip6 = "" } = pod;
      using _server = inNetwork(pod.netns, () => Bun.serve({ port: 8080, hostname: ip6, fetch: () => new Response(pod.podName) })); // fails while an address is tentative
      expect(await get(`http://[${ip6}]:8080/`)).toBe(pod.podName);
      const found = await addresses6(pod.netns);
      expect(found).toContain(`inet6 ${ip6}/64 scope global`);
      expect(found).not.toContain("tentative");
      expect(await routes6(pod.netns)).toBe(`default via ${bridge.gateway6} dev eth0 proto static metric 100 pref medium`);
    }
    for (const to of [...pods.slice(0, 3).map(({ ip6 = "" }) => ip6), bridge.gateway6]) expect((await within(pods[3]?.netns ?? "", "busybox", "ping", "-c1", "-W2", to)).status).toBe(0);
    await Promise.all(pods.map((pod) => network.detach(pod)));
    expect(await real.left()).toEqual([]);
  });

  test.skipIf(!hostHasIPv6())("attach() makes host ports answer on IPv6, unless they are of an IPv4 address", async () => {
    const [opens, pod] = [real.pod(1), real.pod(2, [port(23001), port(23002, "127.0.0.1"), port(23003, "::"), port(23004, bridge.gateway6)])];
    await network.attach(opens);
    await network.attach(pod);
    using server = inNetwork(pod.netns, () => Bun.serve({ port: 8080, hostname: "::", fetch: () => new Response("published") }));
    for (const number of [23001, 23003, 23004]) {
      expect(await get(`http://[${bridge.gateway6}]:${number}/`)).toBe("published");
      expect((await within(opens.netns, "busybox", "wget", "-qO-", `http://[${bridge.gateway6}]:${number}/`)).stdout).toBe("published");
    }
    for (const number of [23001, 23002, 23003]) expect(await get(`http://127.0.0.1:${number}/`)).toBe("published");
    await expect(get(`http://[${bridge.gateway6}]:23002/`)).rejects.toThrow();
    server.stop(true);
    await network.detach(pod);
    await expect(get(`http://[${bridge.gateway6}]:23001/`)).rejects.toThrow();
    await network.detach(opens);
    expect(await real.left()).toEqual([]);
  });

  test.skipIf(!hostHasIPv6())("attach() brings IPv6 to a bridge that pods without it are on, and the last detach takes it back", async () => {
    const { ip6: _, ...old } = real.pod(1, [port(23001)]);
    const pod = real.pod(2);
    await network.attach(old);
    expect((await listLeftovers({ bridge, directory })).rules.join()).not.toContain(bridge.subnet6);
    await network.attach(pod);
    expect((await within(pod.netns, "busybox", "ping", "-c1", "-W2", bridge.gateway6)).status).toBe(0);
    await network.detach(pod);
    await network.detach(old);
    expect(await real.left()).toEqual([]);
  });

  test("attach() and detach() hold with many at once in two processes", async () => {
    const worker = (first: number) => spawnWorker("cycle", first, 20);
    const results = await Promise.all([worker(1), worker(101)].map((child) => child.exited));
    expect(results).toEqual([0, 0]);
    expect(await real.left()).toEqual([]);
  }, 60_000);

  test("attach() works again after a netavark was killed at any point, of opening or of raising", async () => {
    let killed = 0;
    for (const [which, milliseconds] of [1, 2].flatMap((each) => [1, 6, 12, 18, 24, 36].map((time) => [each, time] as const))) {
      const breaking = withSetup(which, `exec timeout -s KILL 0.0${String(milliseconds).padStart(2, "0")} ${NETAVARK} "$@"`);
      const pod = real.pod(3, [port(23003, which === 1 ? "" : "127.0.0.1")]); // one of an IPv4 address has the bridge opened first and raised then
      await breaking.attach(pod).catch(() => (killed += 1));
      await network.attach(pod);
      await network.detach(pod);
      expect(await real.left()).toEqual([]);
    }
    expect(killed).toBeGreaterThan(1);
  }, 60_000);

  test("attach() tries again when another user of the firewall came in between", async () => {
    const pod = real.pod(3);
    await withSetup(1, `echo '{"error":"iptables: Chain already exists."}'; exit 1`).attach(pod);
    await network.detach(pod);
    expect(await real.left()).toEqual([]);
  });

  test("attach() and detach() go on where a killed process stopped", async () => {
    for (const attached of [0, 1, 3, 9]) {
      const child = spawnWorker("attach", 1, 12);
      await untilAttached(child.stdout, attached);
      child.kill("SIGKILL");
      await child.exited;
      const pods = Array.from({ length: 12 }, (_, index) => real.pod(index + 1, index % 2 === 0 ? [port(24001 + index)] : [], "keep"));
      // Half of them start again, the others are given up
      await Promise.all(pods.map((pod, index) => (index < 6 ? network.attach(real.pod(index + 1, pod.ports)) : network.detach(pod))));
      await Promise.all(pods.slice(0, 6).map((pod) => network.detach(pod)));
      expect(await real.left()).toEqual([]);
    }
  }, 60_000);

  test("detach() takes back all when the bridge or its anchor was removed by hand", async () => {
    const [one, two] = [real.pod(1, [port(23001)]), real.pod(2, [port(23002)])];
    for (const link of [bridge.interface, anchorOf(bridge)[0]]) {
      await network.attach(one);
      await network.attach(two);
      deleteLink(link);
      await network.detach(one);
      await network.detach(two);
      expect(await real.left()).toEqual([]);
    }
  });

  test("detach() of the last pod takes back the stand-ins of killed processes", async () => {
    const [one, two] = [real.pod(1, [port(23001)]), real.pod(2)];
    await network.attach(one);
    await network.attach(two);
    const known = register(`${directory}/config`, bridge);
    for (const { uid } of [one, two]) makeNamespaces({ files: { network: known.standIn(uid) }, hostname: "" });
    await network.detach(one);
    await network.detach(two);
    expect(await real.left()).toEqual([]);
    expect((await listLeftovers({ bridge, directory: `${directory}/config` })).pins).toEqual([]);
    expect(known.bridge()).toBeUndefined();
  });

  test("detach() takes back all when the firewall was flushed by hand", async () => {
    const chain = `NETAVARK-${networkHashOf(bridge)}`, ports = `NETAVARK-DN-${networkHashOf(bridge)}`;
    const nat = (...argv: readonly string[]) => exec(["iptables", "-t", "nat", ...argv]);
    const [one, two] = [real.pod(1, [port(23001)]), real.pod(2)];
    await network.attach(one);
    await network.attach(two);
    await nat("-D", "POSTROUTING", "-s", bridge.subnet, "-j", chain);
    for (const verb of ["-F", "-X"]) await nat(verb, chain);
    await nat("-F", ports);
    await network.detach(one);
    await network.detach(two);
    expect(await real.left()).toEqual([]);
  });

  test("attach() makes whole what a crash left: a bridge without address, a pair in the namespace", async () => {
    const pod = real.pod(1);
    await exec(["busybox", "ip", "link", "add", "name", bridge.interface, "type", "bridge"]);
    inNetwork(pod.netns, () => addVeth({ link: "eth0", peer: "peer0" }));
    await network.attach(pod);
    expect((await within(pod.netns, "busybox", "ping", "-c1", "-W2", bridge.gateway)).status).toBe(0);
    await network.detach(pod);
    expect(await real.left()).toEqual([]);
  });

  test("attach() passes netavark's sentence on and leaves nothing", async () => {
    const pod = { ...real.pod(1), ip: "10.213.300.1" };
    await expect(network.attach(pod)).rejects.toThrow('Cannot attach pod "pod-1" to network');
    await network.detach(pod);
    expect(await real.left()).toEqual([]);
    expect(existsSync(`${directory}/config/${bridge.interface}`)).toBe(false);
  });

  test("attach() says that netavark is not installed and leaves nothing", async () => {
    const missing = realBridge(number + 120, { directory, binary: "/nonexistent/netavark" }).network;
    await expect(missing.attach(real.pod(1))).rejects.toMatchObject({ kind: "unavailable" });
    expect(await real.left()).toEqual([]);
    expect(existsSync(`${directory}/config/${bridge.interface}`)).toBe(false);
  });

  test("listLeftovers() lists interfaces, rules and pins", async () => {
    const pod = real.pod(1, [port(23001)]);
    await network.attach(pod);
    const { interfaces, rules, pins } = await listLeftovers({ bridge, directory: `${directory}/netns` });
    expect(interfaces).toContain(bridge.interface);
    expect(interfaces.length).toBe(4); // the bridge, both ends of the anchor, the pod's port
    expect(rules.some((rule) => rule.includes("--dport 23001") || rule.includes("dport 23001"))).toBe(true);
    expect(pins).toContain(pod.netns);
    await network.detach(pod);
    real.dropNamespace(pod);
    expect((await listLeftovers({ bridge, directory })).pins).not.toContain(pod.netns);
    expect(interfaceIndex(bridge.interface)).toBe(0);
  });

  /** The same network, with a shell command in place of the first or second setup that comes. */
  function withSetup(which: number, command: string): Network {
    const flags = [1, 2].map((each) => `${directory}/flag${each}`).slice(0, which), binary = `${directory}/netavark`;
    for (const flag of flags) writeFileSync(flag, "");
    const first = flags.slice(0, -1).map((flag) => `rm ${flag} 2>/dev/null || `).join("");
    const script = `#!/bin/sh\nif [ "$3" = setup ]; then ${first}if rm ${flags.at(-1)} 2>/dev/null; then ${command}; fi; fi\nexec ${NETAVARK} "$@"\n`;
    writeFileSync(binary, script, { mode: 0o755 });
    return realBridge(number + 120, { directory, binary }).network;
  }

  function spawnWorker(verb: "attach" | "cycle", first: number, count: number) {
    const argv = [process.execPath, `${import.meta.dir}/attachWorker.ts`, String(number + 120), directory, verb, String(first), String(count)];
    return Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: 60_000, killSignal: "SIGKILL" });
  }

  /** The worker writes a dot as it begins and one for every pod attached. */
  async function untilAttached(output: ReadableStream<Uint8Array>, count: number): Promise<void> {
    let dots = 0;
    for await (const chunk of output) if ((dots += chunk.length) > count) return;
  }
});
