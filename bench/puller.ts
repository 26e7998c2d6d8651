/** Who pulls images: each pull into directories of its own, which nothing has been in before and nobody removes meanwhile. */
import { writeFileSync } from "node:fs";
import { insecure } from "../test/harness/pulling.ts";
import type { Registry } from "../test/harness/registry.ts";
import { runInto } from "./command.ts";
import type { EngineName, Places } from "./engine.ts";
import { podmanCommand } from "./podman.ts";
import { wherryCommand } from "./wherry.ts";

export interface Puller {
  readonly name: EngineName;
  /** Pulls an image into a store that did not exist. */
  pull(reference: string): Promise<void>;
}

/** The registries.conf(5) by which both know the registry. */
export function writeRegistries(disk: string, registry: Registry): string {
  const file = `${disk}/registries.conf`;
  writeFileSync(file, insecure(registry));
  return file;
}

export function wherryPuller(executable: string, places: Places, registries: string): Puller {
  let stores = 0;
  return {
    name: "wherry",
    async pull(reference) {
      stores += 1;
      const name = `pulled-wherry-${stores}`;
      await wherryCommand(executable, { ...places, name, env: { CONTAINERS_REGISTRIES_CONF: registries } })("image", "pull", "--quiet", reference);
    },
  };
}

export function podmanPuller(places: Places): Puller {
  let stores = 0;
  const run = runInto(`${places.disk}/podman.log`);
  return {
    name: "Podman",
    async pull(reference) {
      stores += 1;
      await podmanCommand(run, { ...places, name: `pulled-podman-${stores}` })("pull", "--quiet", "--tls-verify=false", reference);
    },
  };
}
