/** Pulling as the tests do it: a store of its own, and a configuration that knows the registries of the test. */
import type { ExecResult } from "../../src/base/exec.ts";
import type { Registry } from "./registry.ts";
import { expectStatus, type Room } from "./room.ts";

/** What the tests look at of `wherry image inspect`. */
export interface ImageView {
  readonly id: string;
  readonly names: readonly string[];
  readonly digests: readonly string[];
  /** diff IDs */
  readonly layers: readonly string[];
}

/** An image store of one scenario. */
export interface TestStore {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** Pulls, whatever comes of it. */
  tries(reference: string, env?: Readonly<Record<string, string>>): Promise<ExecResult>;
  /** Pulls, which must succeed. */
  pull(reference: string, env?: Readonly<Record<string, string>>): Promise<void>;
  inspect(reference: string): Promise<ImageView>;
  /** Names of all images. */
  names(): Promise<readonly string[]>;
  /** Names in a directory of the store, none when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
}

export interface StoreOptions {
  /** Directory of the store; one in the room's memory, new for each store, when absent. */
  readonly root?: string;
  /** More of registries.conf(5). */
  readonly configuration?: string;
}

/** A registry without TLS, in the words of registries.conf(5). */
export const insecure = ({ address }: Pick<Registry, "address">): string => `[[registry]]\nlocation = "${address}"\ninsecure = true\n`;

let stores = 0;

/** A new store, for which the registry is one without TLS. */
export async function storeFor(room: Room, registry: Pick<Registry, "address" | "authority">, options: StoreOptions = {}): Promise<TestStore> {
  stores += 1;
  const root = options.root ?? `/run/stores/${stores}`;
  const registries = `/run/stores/${stores}.conf`;
  await room.write(registries, `${registry.authority === "" ? insecure(registry) : ""}${options.configuration ?? ""}`);
  const env = { WHERRY_ROOT: root, CONTAINERS_REGISTRIES_CONF: registries };
  const tries: TestStore["tries"] = (reference, more) => room.wherry(["image", "pull", "--quiet", reference], { env: { ...env, ...more }, timeout: 60_000 });
  return {
    root,
    env,
    tries,
    pull: async (reference, more) => void expectStatus(await tries(reference, more), 0, ["wherry", "image", "pull", reference]),
    async inspect(reference) {
      const [image]: readonly (Omit<ImageView, "layers"> & { readonly layers: readonly { readonly diffId: string }[] })[] = JSON.parse(await room.ok(["image", "inspect", reference], { env }));
      if (image === undefined) throw new Error(`"${reference}" is not there`);
      return { ...image, layers: image.layers.map(({ diffId }) => diffId) };
    },
    async names() {
      const images: readonly ImageView[] = JSON.parse(await room.ok(["image", "ls", "-o", "json"], { env }));
      return images.flatMap(({ names }) => names).toSorted();
    },
    list: async (directory) => (await room.run(["find", `${root}/${directory}`, "-mindepth", "1", "-maxdepth", "1", "-printf", "%f\n"])).stdout.split("\n").filter((name) => name !== ""),
  };
}
