import { expect } from "bun:test";
import { IMAGE } from "../../harness/image.ts";
import { podText } from "../../harness/objects.ts";
import { CHECKOUT, openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const ARCHIVE = `${CHECKOUT}/.cache/test-image.tar`;

interface ImageView {
  readonly id: string;
  readonly names: readonly string[];
  readonly layers: readonly { readonly diffId: string; readonly size: number }[];
}

async function inspect(room: Room, name: string): Promise<ImageView & Readonly<Record<string, unknown>>> {
  const [view] = JSON.parse(await room.ok(["image", "inspect", name]));
  return view;
}

const shell = async (room: Room, script: string): Promise<string> => {
  const { status, stdout, stderr } = await room.run(["sh", "-c", script], { timeout: 60_000 });
  if (status !== 0) throw new Error(`"${script}" ended with ${status}: ${stderr}`);
  return stdout;
};

/** An image of the same layer as the test image, which is another one because of its command. */
const another = (room: Room, name: string): Promise<string> => room.ok(["image", "import", ARCHIVE, name, "--cmd", name]);

scenario("image tag, untag, ls, history and inspect tell the same of an image", async (room) => {
  await another(room, "shop:1");
  const { id, layers, ...rest } = await inspect(room, "shop:1");
  expect(rest).toMatchObject({ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux", usedBy: [], config: { cmd: ["shop:1"] }, history: [{ createdBy: "wherry image import", layer: layers[0]?.diffId }] });
  await room.ok(["tag", "shop:1", "quay.io/team/shop:2", "shop"]);
  expect((await inspect(room, "quay.io/team/shop:2")).names).toEqual(["localhost/shop:1", "quay.io/team/shop:2", "localhost/shop:latest"]);
  expect((await room.ok(["images", "shop", "--no-trunc", "-q"])).trim()).toBe(id);
  expect((await room.ok(["images", "quay.io/team/shop"])).split("\n").length).toBe(3);
  expect(await room.ok(["history", "shop"])).toMatch(/^ID .*\n\S{12} .* wherry image import .*MB\n$/);
  expect(await room.ok(["untag", id.slice(7, 19)])).toBe("Untagged: localhost/shop:1\nUntagged: quay.io/team/shop:2\nUntagged: localhost/shop:latest\n");
  expect(await room.ok(["images", "--filter", "dangling=true", "-q", "--no-trunc"])).toBe(`${id}\n`);
  await room.ok(["rmi", id]);
});

scenario("a name goes over from one image to another, and prune removes the one that is left without", async (room) => {
  await another(room, "one:1");
  await another(room, "two:1");
  const one = await inspect(room, "one:1");
  await room.ok(["tag", "two:1", "one:1"]);
  expect((await room.wherry(["image", "prune"], { stdin: "n\n" })).status).toBe(0);
  expect((await inspect(room, one.id)).names).toEqual([]);
  expect((await room.wherry(["image", "prune"])).status).toBe(2);
  const { stdout } = await room.wherry(["image", "prune"], { stdin: "y\n" });
  expect(stdout).toBe(`Deleted: ${one.id}\nTotal reclaimed space: 0B\n`); // its layer is the test image's, too
  expect((await room.wherry(["image", "inspect", one.id])).status).toBe(1);
  await room.ok(["rmi", "one:1", "two:1"]);
});

scenario("image prune --all and image df know what a pod is made of", async (room) => {
  await shell(room, "mkdir -p /run/other/etc && echo other >/run/other/etc/motd && tar -cf /run/other.tar -C /run/other .");
  await room.ok(["image", "import", "/run/other.tar", "other:1"]);
  await room.write("/run/web.yaml", podText("web"));
  await room.ok(["play", "/run/web.yaml"]);
  const { each, ...usage } = JSON.parse(await room.ok(["system", "df", "-o", "json"]));
  expect(usage.images).toMatchObject({ total: 2, active: 1 });
  expect(each.find(({ names }: { names: readonly string[] }) => names.includes(IMAGE)).users).toEqual(['pod "default/web"']);
  const pruned = JSON.parse(await room.ok(["image", "prune", "--all", "--force", "-o", "json"]));
  expect([pruned.images.map(({ names }: { names: readonly string[] }) => names), pruned.layers.length, usage.images.reclaimable]).toEqual([[["localhost/other:1"]], 1, 10_240]);
  expect(pruned.reclaimed).toBeGreaterThan(0); // of the disk, not of the archive
  expect((await room.ok(["exec", "web", "--", "echo", "alive"])).trim()).toBe("alive");
});

scenario("image load takes what podman saves, several images with their ids and names, also from a pipe", async (room) => {
  await shell(room, `podman import -q -c CMD=one ${ARCHIVE} localhost/one:1 && podman import -q -c CMD=two ${ARCHIVE} quay.io/team/two:2 && podman tag localhost/one:1 localhost/uno:1`);
  const ids = (await shell(room, "podman image inspect --format sha256:{{.Id}} localhost/one:1 quay.io/team/two:2")).trim().split("\n");
  await shell(room, "podman save -q -m -o /run/both.tar localhost/one:1 localhost/uno:1 quay.io/team/two:2 && podman rmi -a -f");
  expect((await room.ok(["load", "-i", "/run/both.tar"])).trim().split("\n").toSorted()).toEqual(["Loaded image: localhost/one:1", "Loaded image: localhost/uno:1", "Loaded image: quay.io/team/two:2"]);
  expect([(await inspect(room, "one:1")).id, (await inspect(room, "quay.io/team/two:2")).id]).toEqual(ids);
  await room.ok(["rmi", "one:1", "uno:1", "quay.io/team/two:2"]);
  await shell(room, `gzip -c /run/both.tar | ${WHERRY} load -q`);
  expect((await inspect(room, "uno:1")).names.toSorted()).toEqual(["localhost/one:1", "localhost/uno:1"]);
  expect(await shell(room, "ls -A /var/tmp | grep -c wherry-load- || true")).toBe("0\n");
  await room.ok(["rmi", "one:1", "uno:1", "quay.io/team/two:2"]);
});

scenario("progress is redrawn on a terminal, which has its cursor again at the end, and plain elsewhere", async (room) => {
  await shell(room, "mkdir -p /run/big/etc && head -c 30000000 /dev/urandom >/run/big/etc/noise && tar -cf /run/big.tar -C /run/big .");
  const plain = await room.wherry(["image", "import", "/run/big.tar", "big:1"]);
  expect(plain.stderr).toMatch(/^layer (\S+): unpacking\nlayer \1: done\n$/);
  expect(plain.stderr).not.toContain("\x1b");
  await room.ok(["rmi", "big:1"]);
  const shown = await shell(room, `script --quiet --return --command 'stty cols 60 rows 10; ${WHERRY} image import /run/big.tar big:1' /dev/null </dev/null`);
  expect(shown).toContain("big:1: ");
  expect([shown.lastIndexOf("\x1b[?25h") > shown.lastIndexOf("\x1b[?25l"), shown.includes("\x1b[?25l")]).toEqual([true, true]);
  expect((await room.wherry(["image", "import", "-q", "/run/big.tar", "big:2"])).stderr).toBe("");
  await room.ok(["rmi", "big:1", "big:2"]);
});

scenario("commands that need more than a terminal, or another answer, say so before they begin", async (room) => {
  for (const words of [["load", "-o", "yaml"], ["save"], ["pull"], ["pull", "--platform", "x", "y"], ["login"], ["logout"], ["tag", "only"]]) expect((await room.wherry(words)).status).toBe(2);
  expect((await room.wherry(["save", "-o", "/nowhere/x.tar", IMAGE])).stderr).toContain("its directory does not exist");
  expect((await room.wherry(["load", "-i", "/nowhere.tar"])).status).toBe(1);
});
