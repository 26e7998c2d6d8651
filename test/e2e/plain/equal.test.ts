/** What a container sees of an image is what Podman shows of it: type, mode, owner, times, links, devices, attributes, content. */
import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { everyEntry, IMPLIED } from "../../harness/everyEntry.ts";
import { manyLayers } from "../../harness/images.ts";
import { type Layout, writeImageLayout } from "../../harness/layout.ts";
import { PODMAN_CONFIGURATION } from "../../harness/podman.ts";
import { storeFor } from "../../harness/pulling.ts";
import { startRegistry } from "../../harness/registry.ts";
import { CHECKOUT, expectStatus, openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import type { Entry } from "../../harness/tree.ts";

const scenario = await scenarios(openPlainRoom);

/** In a mount namespace of its own, so that every mount ends with it; Podman's locks are in shared memory. */
const IN_PRIVATE = ["unshare", "--mount", "sh", "-ec"] as const;
const PODMAN = `
mount -t tmpfs tmpfs /dev/shm
directory=$1 image=$2 bun=$3 tree=$4
mine() { podman --root "$directory/root" --runroot "$directory/run" --tmpdir "$directory/tmp" "$@"; }
mine pull --quiet --tls-verify=false "$image" >&2
mounted=$(mine image mount "$image")
exec "$bun" "$tree" "$mounted"`;
const WHERRY = `
bun=$1 mount=$2 tree=$3 store=$4 directory=$5
shift 5
"$bun" "$mount" "$store" "$directory" "$@"
exec "$bun" "$tree" "$directory/root"`;
const [BUN, TREE, MOUNT] = [`${CHECKOUT}/node_modules/.bin/bun`, `${CHECKOUT}/test/harness/tree.ts`, `${CHECKOUT}/test/harness/mountImage.ts`];

interface Trees {
  readonly podman: readonly Entry[];
  readonly wherry: readonly Entry[];
}

/** Both pull the image from one registry into one directory, and mount it. */
async function treesOf(room: Room, layout: Layout, directory: string): Promise<Trees> {
  await using registry = await startRegistry(room.start);
  const reference = registry.publish(layout, "equal:1");
  await room.write(`${directory}/containers.conf`, PODMAN_CONFIGURATION);
  const peer = await room.run([...IN_PRIVATE, PODMAN, "-", `${directory}/podman`, reference, BUN, TREE], { env: { CONTAINERS_CONF: `${directory}/containers.conf` }, timeout: 60_000 });
  const store = await storeFor(room, registry, { root: `${directory}/wherry` });
  await store.pull(reference);
  const { layers } = await store.inspect(reference);
  const own = await room.run([...IN_PRIVATE, WHERRY, "-", BUN, MOUNT, TREE, store.root, `${directory}/mounted`, ...layers], { timeout: 60_000 });
  return { podman: entries(expectStatus(peer, 0, ["podman"]).stdout), wherry: entries(expectStatus(own, 0, ["mountImage.ts"]).stdout) };
}

const entries = (text: string): readonly Entry[] => text.split("\n").filter((line) => line !== "").map((line): Entry => JSON.parse(line));

/**
 * What differs, one line each. Not looked at, because Podman is no measure there: mode and time of the root (it passes over
 * an archive's entry for it, and makes it 0555), and the times of `timeless`: directories that no archive has an entry for,
 * and what is older than 1970, which it makes 1970.
 */
function differences({ podman, wherry }: Trees, timeless: ReadonlySet<string> = new Set()): readonly string[] {
  const compared = (entry: Entry): Partial<Entry> => {
    const { mode, mtime, ...rest } = entry;
    return entry.path === "." ? rest : timeless.has(entry.path) ? { ...rest, mode } : { ...rest, mode, mtime };
  };
  const [theirs, ours] = [podman, wherry].map((tree) => new Map(tree.map((entry) => [entry.path, JSON.stringify(compared(entry))])));
  const paths = [...new Set([...podman, ...wherry].map(({ path }) => path))];
  return paths.filter((path) => theirs?.get(path) !== ours?.get(path)).map((path) => `Podman ${theirs?.get(path)}, wherry ${ours?.get(path)}`);
}

scenario("an image of forty layers that change each other is what Podman shows of it", async (room) => {
  const trees = await treesOf(room, await manyLayers(), "/run/equal");
  expect(trees.podman.length).toBeGreaterThan(8_000);
  expect(differences(trees)).toEqual([]);
});

scenario("an image with every kind of entry is, on a disk, what Podman shows of it", async (room) => {
  const disk = mkdtempSync(`${CHECKOUT}/.cache/equal.`);
  try {
    const trees = await treesOf(room, await writeImageLayout(`${disk}/layout`, everyEntry), disk);
    expect(trees.podman.length).toBeGreaterThan(50);
    expect(differences(trees, new Set([...IMPLIED, "./old"]))).toEqual([]);
    expect(trees.wherry.find(({ path }) => path === "./old")?.mtime).toBe("-86400000000000");
  } finally {
    rmSync(disk, { recursive: true, force: true });
  }
});
