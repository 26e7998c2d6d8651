import { afterAll, describe, expect, test } from "bun:test";
import { exec } from "../base/exec.ts";
import { networkContract } from "./contract.ts";
import { hostHasIPv6 } from "./ipv6.ts";
import { inNetwork } from "./namespaces.ts";
import { realBridge } from "./realBridge.ts";
import { addVeth, deleteLink, ensureBridge } from "./rtnetlink.ts";

const able = process.getuid?.() === 0;
const number = process.pid % 120; // of this run's bridge; the next 120 are for a second one

if (able) networkContract("privateNetwork", realBridge(number, { driver: "private" }));

describe.skipIf(!able)("privateNetwork (needs root)", () => {
  const real = realBridge(number + 120, { driver: "private" });
  const { network, bridge, directory } = real;
  afterAll(() => real.close());
  const within = async (netns: string, ...argv: readonly string[]): Promise<string> => (await exec(["nsenter", `--net=${netns}`, ...argv], { timeout: 10_000 })).stdout;

  test("attach() gives pods the addresses and routes that netavark gives", async () => {
    const [pod, other] = [real.pod(1), real.pod(2)];
    for (const each of [pod, other]) await network.attach(each);
    expect(await within(pod.netns, "ip", "-4", "-oneline", "address", "show", "dev", "eth0")).toContain(`inet ${pod.ip}/24 brd 10.213.${number + 120}.255 scope global eth0`);
    expect((await within(pod.netns, "ip", "-4", "route", "show", "default")).trim()).toBe(`default via ${bridge.gateway} dev eth0 proto static metric 100`);
    for (const address of [other.ip, bridge.gateway]) await within(pod.netns, "busybox", "ping", "-c1", "-W2", address);
    for (const each of [pod, other]) await network.detach(each);
    expect(await real.left()).toEqual([]);
  });

  test.skipIf(!hostHasIPv6())("attach() gives pods IPv6 that can be used at once", async () => {
    const [pod, other] = [real.pod(1), real.pod(2)];
    const { ip6 = "" } = pod;
    await network.attach(pod);
    using _server = inNetwork(pod.netns, () => Bun.serve({ port: 8080, hostname: ip6, fetch: () => new Response("here") })); // fails while an address is tentative
    expect(await (await fetch(`http://[${ip6}]:8080/`)).text()).toBe("here");
    await network.attach(other);
    expect((await within(pod.netns, "ip", "-6", "route", "show", "default")).trim()).toBe(`default via ${bridge.gateway6} dev eth0 proto static metric 100 pref medium`);
    for (const address of [other.ip6 ?? "", bridge.gateway6]) await within(pod.netns, "busybox", "ping", "-c1", "-W2", address);
    for (const each of [pod, other]) await network.detach(each);
    expect(await real.left()).toEqual([]);
  });

  test("attach() makes whole what a crash left: a bridge without address, a pair in the namespace", async () => {
    const pod = real.pod(1);
    ensureBridge(bridge.interface, "0a:77:00:00:00:01");
    inNetwork(pod.netns, () => addVeth({ link: "eth0", peer: "peer0" }));
    await network.attach(pod);
    await within(pod.netns, "busybox", "ping", "-c1", "-W2", bridge.gateway);
    await network.detach(pod);
    expect(await real.left()).toEqual([]);
  });

  test("attach() stands the bridge again that was removed by hand, and detach() does without it", async () => {
    const [one, two] = [real.pod(1), real.pod(2)];
    await network.attach(one);
    deleteLink(bridge.interface);
    await network.attach(two);
    await within(two.netns, "busybox", "ping", "-c1", "-W2", bridge.gateway);
    deleteLink(bridge.interface);
    for (const each of [one, two]) await network.detach(each);
    expect(await real.left()).toEqual([]);
  });

  test("attach() that fails leaves nothing", async () => {
    await expect(network.attach({ ...real.pod(1), bridge: { ...bridge, interface: "a-name-longer-than-interfaces-have" } })).rejects.toMatchObject({ kind: "failed" });
    expect(await real.left()).toEqual([]);
  });

  test("attach() and detach() hold with many at once in two processes", async () => {
    const results = await Promise.all([1, 101].map((first) => spawnWorker("cycle", { first, count: 20 }).exited));
    expect(results).toEqual([0, 0]);
    expect(await real.left()).toEqual([]);
  }, 60_000);

  test("attach() and detach() go on where a killed process stopped", async () => {
    for (const attached of [0, 1, 5, 12]) {
      const child = spawnWorker("attach", { first: 1, count: 30 });
      await untilAttached(child.stdout, attached);
      child.kill("SIGKILL");
      await child.exited;
      const pods = Array.from({ length: 30 }, (_, index) => real.pod(index + 1, [], "keep"));
      // Half of them start again, the others are given up
      await Promise.all(pods.map((pod, index) => (index < 15 ? network.attach(real.pod(index + 1)) : network.detach(pod))));
      await Promise.all(pods.slice(0, 15).map((pod) => network.detach(pod)));
      expect(await real.left()).toEqual([]);
    }
  }, 60_000);

  function spawnWorker(verb: "attach" | "cycle", { first, count }: { readonly first: number; readonly count: number }) {
    const argv = [process.execPath, `${import.meta.dir}/attachWorker.ts`, String(number + 120), directory, verb, String(first), String(count), "private"];
    return Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: 60_000, killSignal: "SIGKILL" });
  }

  /** The worker writes a dot as it begins and one for every pod attached. */
  async function untilAttached(output: ReadableStream<Uint8Array>, count: number): Promise<void> {
    let dots = 0;
    for await (const chunk of output) if ((dots += chunk.length) > count) return;
  }
});
