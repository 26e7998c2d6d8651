import { expect } from "bun:test";
import { startRegistry } from "../../harness/registry.ts";
import { CHECKOUT, openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const ARCHIVE = `${CHECKOUT}/.cache/test-image.tar`;

const shell = async (room: Room, script: string): Promise<string> => {
  const { status, stdout, stderr } = await room.run(["sh", "-c", script], { timeout: 60_000 });
  if (status !== 0) throw new Error(`"${script}" ended with ${status}: ${stderr}`);
  return stdout;
};

const idOf = async (room: Room, name: string): Promise<string> => JSON.parse(await room.ok(["image", "inspect", name]))[0].id;

/** Imports the test image under another name, with a command of its own, so that its id is its own. */
const another = (room: Room, name: string): Promise<string> => room.ok(["image", "import", ARCHIVE, name, "--cmd", name]);

for (const format of ["docker-archive", "oci-archive"]) {
  scenario(`image save --format ${format} writes images that load and that podman loads, with the ids they had`, async (room) => {
    await another(room, "one:1");
    await another(room, "two:1");
    const ids = [await idOf(room, "one:1"), await idOf(room, "two:1")];
    await room.ok(["save", "--format", format, "-o", "/run/both.tar", "one:1", "two:1"]);
    await shell(room, `${WHERRY} save -q --format ${format} one:1 >/run/one.tar`);
    await room.ok(["rmi", "one:1", "two:1"]);
    await room.ok(["load", "-i", "/run/both.tar"]);
    expect([await idOf(room, "one:1"), await idOf(room, "two:1")]).toEqual(ids);
    await shell(room, "podman load -q -i /run/one.tar");
    expect((await shell(room, "podman image inspect --format sha256:{{.Id}} localhost/one:1")).trim()).toBe(ids[0] ?? "");
    await shell(room, "podman rmi -a -f");
    await room.ok(["rmi", "one:1", "two:1"]);
  });
}

scenario("image push and pull bring an image back with its id, to a registry that asks who comes", async (room) => {
  await using registry = await startRegistry((argv) => room.start(argv), { users: { me: "secret" } });
  const env = { REGISTRY_AUTH_FILE: "/run/auth.json" };
  const name = `${registry.address}/team/shop:1`;
  await another(room, "shop:1");
  const id = await idOf(room, "shop:1");
  const refused = await room.wherry(["push", "--tls-verify=false", "shop:1", name], { env });
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/^(packing .*\n|sending .*\n)*Error: Cannot push to "docker:.*(authentication required|unauthorized).*\nHint: wherry login/)]);
  const wrong = await room.wherry(["login", "--tls-verify=false", "-u", "me", "--password-stdin", registry.address], { env, stdin: "guess" });
  expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining("invalid username/password")]);
  expect(await room.ok(["login", "--tls-verify=false", "-u", "me", "--password-stdin", registry.address], { env, stdin: "secret\n" })).toContain("Login Succeeded");
  const digest = (await room.ok(["push", "-q", "--tls-verify=false", "shop:1", name], { env })).trim();
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  await room.ok(["tag", "shop:1", name]);
  expect(await room.ok(["images", "--digests", name])).toContain(digest);
  await room.ok(["rmi", id]);
  expect(await room.ok(["pull", "-q", "--tls-verify=false", name], { env })).toBe(`${id}\n`);
  await room.ok(["logout", registry.address], { env });
  expect((await room.wherry(["pull", "-q", "--tls-verify=false", name], { env })).status).toBe(1);
  expect(await room.ok(["pull", "-q", "--tls-verify=false", "--creds", "me:secret", name], { env })).toBe(`${id}\n`);
  await room.ok(["rmi", id]);
});

scenario("system check finds a file of a layer that was changed, and --repair pulls the layer again", async (room) => {
  await using registry = await startRegistry((argv) => room.start(argv));
  const name = `${registry.address}/shop:1`;
  await shell(room, "mkdir -p /run/own/etc && echo own >/run/own/etc/motd && tar -cf /run/own.tar -C /run/own .");
  await room.ok(["image", "import", "/run/own.tar", name]);
  await room.ok(["push", "-q", "--tls-verify=false", name]);
  expect(await room.ok(["system", "check", "-q"])).toBe("Nothing is wrong\n");
  const [{ layers }] = JSON.parse(await room.ok(["image", "inspect", name]));
  const layer: string = layers[0].diffId;
  await shell(room, `echo changed >>/var/lib/wherry/layers/${layer.slice(7)}/diff/etc/motd`);
  const found = await room.wherry(["system", "check", "-q"]);
  expect([found.status, found.stdout]).toEqual([1, expect.stringContaining(`layer ${layer}: `)]);
  expect(JSON.parse((await room.wherry(["system", "check", "-q", "-o", "json"])).stdout).findings.length).toBeGreaterThan(0);
  const repaired = await room.wherry(["system", "check", "-q", "--repair", "--tls-verify=false"]);
  expect([repaired.stdout, repaired.status]).toEqual([expect.stringContaining("(repaired)"), 0]);
  expect(await room.ok(["system", "check", "--contents", "-q"])).toBe("Nothing is wrong\n");
  await room.ok(["rmi", name]);
});
