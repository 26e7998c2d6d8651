import { expect, test } from "bun:test";
import type { Network } from "../network/network.ts";
import { examplePod } from "../spec/examples.ts";
import { serviceName } from "../spec/spec.ts";
import { fakeHost } from "./fake.ts";
import type { PodReporter } from "./pod.ts";
import { newPod } from "./records.ts";
import { PodWorker } from "./worker.ts";

test("PodWorker has an event for a pod that does not reach the outside, when it is made, taken over, and later", async () => {
  using world = fakeHost();
  const tells: ((why: string) => void)[] = [];
  const heard = (tell: ((why: string) => void) | undefined): void => {
    if (tell !== undefined) tells.push(tell);
    tell?.(`no pasta, ${tells.length}`);
  };
  const network: Network = {
    ...world.host.network,
    attach: async (attachment, tell) => {
      heard(tell);
      return await world.host.network.attach(attachment);
    },
    resume: async (_, tell) => heard(tell),
  };
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web", {}), hash: "", network: "bridge", cgroup: "/wherry/shop", now: world.time });
  const { uid } = world.host.state.addPod(made.record, made.containers, { hostPorts: [], subnet: "10.89.0.0/16" });
  const [events, progress]: [Parameters<PodReporter["event"]>[0][], string[]] = [[], []];
  const reporter: PodReporter = { event: (each) => void events.push(each), progress: (what) => void progress.push(what) };
  const work = (isNew: boolean): PodWorker => new PodWorker(uid, { host: { ...world.host, network }, config: { configMaps: () => [], secrets: () => [] }, reporter, onChange: () => world.changed(), isNew });
  using first = work(true);
  await first.poke();
  first[Symbol.dispose]();
  using second = work(false);
  await second.poke();
  tells[1]?.("pasta ended");
  expect(events.filter(({ reason }) => reason === "NetworkNotReady")).toEqual(["no pasta, 1", "no pasta, 2", "pasta ended"].map((why) => (
    { type: "Warning", reason: "NetworkNotReady", message: `network is not ready: the pod does not reach the outside: ${why}`, fieldPath: "" })));
  expect(progress).toContain("does not reach the outside: no pasta, 1");
});
