/** Podman 4.3: as it is installed, with directories of its own and the same crun, conmon and netavark. */
import { writeFileSync } from "node:fs";
import type { Engine, Places } from "./engine.ts";
import { runInto } from "./command.ts";
import { IMAGE } from "./manifest.ts";

/** The limits are what a machine grants on which nobody may raise any; there is neither systemd nor a journal in the room. */
const CONFIGURATION = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
network_backend = "netavark"
`;

export function podmanEngine({ disk, memory, archive }: Places): Engine {
  const configuration = `${disk}/containers.conf`;
  const run = runInto(`${disk}/podman.log`);
  const directories = ["--root", `${disk}/podman`, "--runroot", `${memory}/podman`, "--tmpdir", `${memory}/podman-tmp`, "--network-config-dir", `${disk}/podman-networks`];
  const podman = (...words: readonly string[]): Promise<void> => run(["podman", ...directories, ...words], { env: { CONTAINERS_CONF: configuration } });
  return {
    name: "Podman",
    async prepare() {
      writeFileSync(configuration, CONFIGURATION);
      await podman("import", "--quiet", archive, IMAGE);
    },
    play: ({ file }) => podman("play", "kube", "--quiet", "--service-container", file),
    down: ({ file }) => podman("play", "kube", "--down", file),
    ps: () => podman("ps"),
    version: () => podman("version"),
  };
}
