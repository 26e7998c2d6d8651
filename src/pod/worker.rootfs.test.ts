import { expect, test } from "bun:test";
import { examplePod } from "../spec/examples.ts";
import { serviceName } from "../spec/spec.ts";
import { fakeHost } from "./fake.ts";
import { newPod } from "./records.ts";
import { PodWorker } from "./worker.ts";

test("PodWorker kills a container whose root filesystem has ended by itself, and makes it anew", async () => {
  using world = fakeHost();
  const lost = Promise.withResolvers<boolean>();
  const asked: string[] = [];
  const rootfsEnd = async (target: string): Promise<boolean> => (asked.push(target) === 1 ? await lost.promise : false);
  const host = { ...world.host, kernel: { ...world.host.kernel, rootfsEnd } };
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web"), hash: "", network: "bridge", cgroup: "/wherry/shop", now: world.time });
  const { uid } = host.state.addPod(made.record, made.containers, { subnet: host.bridge.subnet, hostPorts: [] });
  const reasons: string[] = [];
  const reporter = { event: ({ reason }: { readonly reason: string }) => void reasons.push(reason), progress: () => {} };
  using worker = new PodWorker(uid, { host, config: { configMaps: () => [], secrets: () => [] }, reporter, onChange: () => world.changed(), isNew: true });
  await worker.poke();
  const main = () => host.state.containers(uid)[0];
  const first = main()?.state;
  if (first?.status !== "running") throw new Error("it does not run");
  expect(asked).toEqual([expect.stringContaining(`/containers/${first.id}/rootfs`)]);
  lost.resolve(true);
  await world.until(() => main()?.restarts === 1 && main()?.state.status === "running");
  expect(main()?.last).toMatchObject({ id: first.id, exitCode: 137 });
  expect(reasons).toContain("RootfsLost");
  expect(asked.length).toBe(2);
});
