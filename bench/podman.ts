/** Podman 4.3: as it is installed, with directories of its own and the same crun, conmon and netavark. */
import { writeFileSync } from "node:fs";
import { PODMAN_CONFIGURATION } from "../test/harness/podman.ts";
import type { Engine, Places } from "./engine.ts";
import { runInto } from "./command.ts";
import { IMAGE } from "./manifest.ts";

export function podmanEngine({ disk, memory, archive }: Places): Engine {
  const configuration = `${disk}/containers.conf`;
  const run = runInto(`${disk}/podman.log`);
  const directories = ["--root", `${disk}/podman`, "--runroot", `${memory}/podman`, "--tmpdir", `${memory}/podman-tmp`, "--network-config-dir", `${disk}/podman-networks`];
  const podman = (...words: readonly string[]): Promise<void> => run(["podman", ...directories, ...words], { env: { CONTAINERS_CONF: configuration } });
  return {
    name: "Podman",
    async prepare() {
      writeFileSync(configuration, PODMAN_CONFIGURATION);
      await podman("import", "--quiet", archive, IMAGE);
    },
    play: ({ file }) => podman("play", "kube", "--quiet", "--service-container", file),
    down: ({ file }) => podman("play", "kube", "--down", file),
    ps: () => podman("ps"),
    version: () => podman("version"),
  };
}
