/** What every `Network` must do: one suite, run on the fake and on netavark. Test code. */
import { afterAll, describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import type { Attachment, Network, PortMapping } from "./network.ts";

export interface Harness {
  readonly network: Network;
  /** A pod with a namespace that stands; each number is another pod. */
  pod(number: number, ports?: readonly PortMapping[]): Attachment | Promise<Attachment>;
  /** Lets the pod's namespace go, as `removeNamespaces` or a stranger would. */
  dropNamespace(pod: Attachment): void;
  /** Everything that exists of the network. */
  left(): Promise<readonly string[]>;
  close(): void;
}

const web = (hostPort: number): readonly PortMapping[] => [{ containerPort: 80, hostPort, hostIP: "", protocol: "tcp" }];

export function networkContract(name: string, harness: Harness): void {
  const { network } = harness;
  describe(name, () => {
    afterAll(() => harness.close());

    test("attach() answers with an address that stays the pod's", async () => {
      const pod = await harness.pod(1);
      const { mac } = await network.attach(pod);
      expect(mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      expect(await harness.left()).not.toEqual([]);
      await network.detach(pod);
      expect((await network.attach(pod)).mac).toBe(mac);
      await network.detach(pod);
    });

    test("attach() may be repeated, with ports or without", async () => {
      for (const pod of [await harness.pod(1), await harness.pod(2, web(21002))]) {
        const first = await network.attach(pod);
        const once = await harness.left();
        expect(await network.attach(pod)).toEqual(first);
        expect((await harness.left()).length).toBe(once.length);
        await network.detach(pod);
        expect(await harness.left()).toEqual([]);
      }
    });

    test("attach() fails with kind `failed` where no namespace stands, and leaves nothing", async () => {
      const pod = await harness.pod(1);
      harness.dropNamespace(pod);
      const thrown: unknown = await network.attach(pod).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(WherryError);
      expect(thrown).toMatchObject({ kind: "failed", message: expect.stringContaining("is not a network namespace") });
      expect(await harness.left()).toEqual([]);
    });

    test("detach() leaves the other pods, and with the last of them nothing", async () => {
      const [first, second] = [await harness.pod(1, web(21001)), await harness.pod(2)];
      await network.attach(first);
      const alone = (await harness.left()).length;
      await network.attach(second);
      await network.detach(second);
      expect((await harness.left()).length).toBe(alone);
      await network.detach(first);
      expect(await harness.left()).toEqual([]);
    });

    test("detach() of what is gone or never was is success", async () => {
      const pod = await harness.pod(1);
      await network.detach(pod);
      await network.attach(pod);
      await network.detach(pod);
      await network.detach(pod);
      expect(await harness.left()).toEqual([]);
    });

    test("detach() works when the namespace has gone, and the address can be given again", async () => {
      const [stays, gone] = [await harness.pod(1), await harness.pod(2, web(21002))];
      await network.attach(stays);
      await network.attach(gone);
      harness.dropNamespace(gone);
      await network.detach(gone);
      await network.attach(await harness.pod(2));
      harness.dropNamespace(stays);
      await network.detach(stays);
      harness.dropNamespace(gone);
      await network.detach(gone);
      expect(await harness.left()).toEqual([]);
    });

    test("attach() and detach() hold with many at once", async () => {
      const pods = await Promise.all(Array.from({ length: 20 }, (_, index) => harness.pod(index + 1, index % 2 === 0 ? web(21000 + index) : [])));
      const macs = await Promise.all(pods.map((pod) => network.attach(pod)));
      expect(new Set(macs.map(({ mac }) => mac)).size).toBe(20);
      await Promise.all(pods.map((pod) => network.detach(pod)));
      expect(await harness.left()).toEqual([]);
    }, 30_000);
  });
}
