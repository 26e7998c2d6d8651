/** Podman 4.3: as it is installed, with directories of its own and the same crun, conmon and netavark. */
import { writeFileSync } from "node:fs";
import { PODMAN_CONFIGURATION } from "../test/harness/podman.ts";
import type { Engine, Places } from "./engine.ts";
import { runInto, type Run } from "./command.ts";
import { IMAGE } from "./manifest.ts";

/** Runs one podman command. */
export type Podman = (...words: readonly string[]) => Promise<void>;

/** podman with directories of its own, below those of a run, called `name`. */
export function podmanCommand(run: Run, { disk, memory, name }: Places & { readonly name: string }): Podman {
  const configuration = `${disk}/containers.conf`;
  writeFileSync(configuration, PODMAN_CONFIGURATION);
  const directories = ["--root", `${disk}/${name}`, "--runroot", `${memory}/${name}`, "--tmpdir", `${memory}/${name}-tmp`, "--network-config-dir", `${disk}/podman-networks`];
  return (...words) => run(["podman", ...directories, ...words], { env: { CONTAINERS_CONF: configuration } });
}

export function podmanEngine(places: Places): Engine {
  const podman = podmanCommand(runInto(`${places.disk}/podman.log`), { ...places, name: "podman" });
  return {
    name: "Podman",
    prepare: () => podman("import", "--quiet", places.archive, IMAGE),
    play: ({ file }) => podman("play", "kube", "--quiet", "--service-container", file),
    down: ({ file }) => podman("play", "kube", "--down", file),
    ps: () => podman("ps"),
    version: () => podman("version"),
  };
}
