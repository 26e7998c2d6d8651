import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { containerRecord, MINUTE, NOW, podRecord } from "../pod/testing.ts";
import { EMPTY_CONFIG } from "../storage/imageConfig.ts";
import type { Image } from "../storage/storage.ts";
import { confirmed } from "./ask.ts";
import { findingsOf } from "./findings.ts";
import type { ImageDriver, PullOptions } from "./imageDriver.ts";
import { nameMatches } from "./imageText.ts";
import { parsePlatform } from "./registryOptions.ts";
import { type CliOptions, type Printed, stdinOf, type World, world } from "./testing.ts";

const DAY = 24 * 60 * MINUTE;
const hex = (letter: string): string => `sha256:${letter.repeat(64)}`;
const HISTORY = [
  { created: "2026-02-01T00:00:00Z", created_by: "/bin/sh -c #(nop) ADD file:8b8864b3e02a33a579dc216fd51b28a6047bc8eeaa03045b258980fe0cf7fcb3 in /", comment: "base" },
  { created: "2026-02-01T00:00:00Z", created_by: "CMD [\"nginx\"]", empty_layer: true },
  { created: "2026-02-02T00:00:00Z", created_by: "COPY site /srv" },
];

let place: World;
beforeEach(() => {
  place = world();
  for (const [letter, size] of [["1", 30_000_000], ["2", 1_500_000], ["3", 700]] as const) place.durable.images.putLayer({ diffId: hex(letter), size, entries: 9, unpackedAt: NOW, damage: "" });
  put("a", { names: ["docker.io/library/nginx:1.27", "localhost/web:latest"], digests: [`docker.io/library/nginx@${hex("d")}`], layers: [hex("1"), hex("2")] });
  put("b", { names: [], layers: [hex("1"), hex("3")] });
});
afterEach(() => place[Symbol.dispose]());

function put(letter: string, change: Partial<Image>): Image {
  const image: Image = { id: hex(letter), names: [], digests: [], layers: [], config: { ...EMPTY_CONFIG, healthcheck: { test: ["CMD", "true"], retries: 3 } }, size: 0, created: NOW - 3 * DAY, importedAt: NOW - DAY, ...change };
  place.durable.images.put(image);
  mkdirSync(`${place.paths.durable}/configs`, { recursive: true });
  const config = { architecture: "amd64", os: "linux", history: HISTORY, rootfs: { type: "layers", diff_ids: image.layers } };
  writeFileSync(`${place.paths.durable}/configs/${letter.repeat(64)}.json`, JSON.stringify(config));
  return image;
}

/** A pod with a container of image a. */
function use(): void {
  const pod = podRecord("web", { uid: "00000000-0000-4000-8000-000000000009" });
  place.runtime.addPod(pod, [containerRecord(pod, "main", { imageId: hex("a") })], { subnet: "10.89.0.0/16", hostPorts: [] });
}

const cli = (line: string, options?: CliOptions): Promise<Printed> => place.cli(line.split(" "), options);
const out = async (line: string, options?: CliOptions): Promise<string> => (await cli(line, options)).stdout;
const image = (letter: string): Image => place.durable.images.find(hex(letter)) ?? fail("notFound", `Cannot find image "${letter}": it is gone`);

describe("image ls", () => {
  test("image ls shows each name, <none> for an image without, and digests when they are asked for", async () => {
    expect(await out("image ls")).toBe(
      "NAME                           IMAGE ID       CREATED   SIZE\n" +
      "docker.io/library/nginx:1.27   aaaaaaaaaaaa   3d ago    0B\n" +
      "localhost/web:latest           aaaaaaaaaaaa   3d ago    0B\n" +
      "<none>                         bbbbbbbbbbbb   3d ago    0B\n");
    expect((await out("images --digests")).split("\n")[1]?.split(/\s{2,}/)).toEqual(["docker.io/library/nginx:1.27", hex("d"), "aaaaaaaaaaaa", "3d ago", "0B"]);
    expect((await out("images -o wide")).split("\n").map((line) => line.split(/\s{2,}/).slice(4))).toEqual([["LAYERS", "IMPORTED", "DIGEST"], ["2", "24h ago", hex("d")], ["2", "24h ago", "<none>"], ["2", "24h ago", "<none>"], []]);
  });

  test("image ls takes patterns and filters, as podman does", async () => {
    const ids = async (line: string): Promise<readonly string[]> => (await out(`images -q ${line}`)).split("\n").filter((each) => each !== "");
    expect(await ids("nginx")).toEqual(["aaaaaaaaaaaa"]);
    expect(await ids("redis")).toEqual([]);
    expect(await ids("--no-trunc --filter dangling=true")).toEqual([hex("b")]);
    expect(await ids("-a --filter dangling=false")).toEqual(["aaaaaaaaaaaa"]);
    expect(await ids("--filter reference=library/ng*")).toEqual(["aaaaaaaaaaaa"]);
    expect(JSON.parse(await out("images web -o json"))).toMatchObject([{ id: hex("a") }]);
    expect(await cli("images --filter dangling=maybe")).toMatchObject({ status: 2, stderr: expect.stringContaining("must be true or false") });
    expect(await cli("images --filter size=1")).toMatchObject({ status: 2 });
  });

  test.each([
    ["nginx", true], ["nginx:1.27", true], ["library/nginx", true], ["docker.io/library/nginx", true], ["docker.io/library/nginx:1.27", true], ["ng*", true], ["*/nginx", true],
    ["*", true], ["nginx:1", false], ["ginx", false], ["docker.io", false], ["library", false],
  ])("nameMatches() of docker.io/library/nginx:1.27 and %p is %p", (pattern, matches) => {
    expect(nameMatches("docker.io/library/nginx:1.27", pattern)).toBe(matches);
  });
});

describe("image tag", () => {
  test("image tag and untag give and take names, by their short aliases, too", async () => {
    expect(await cli("tag web shop:1 quay.io/x/shop:2")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(image("a").names).toEqual(["docker.io/library/nginx:1.27", "localhost/web:latest", "localhost/shop:1", "quay.io/x/shop:2"]);
    expect(await out("untag shop:1 web")).toBe("Untagged: localhost/shop:1\nUntagged: localhost/web:latest\n");
    expect(image("a").names).toEqual(["docker.io/library/nginx:1.27", "quay.io/x/shop:2"]);
    expect(await cli("image tag web")).toMatchObject({ status: 2 });
    expect(await cli("image untag nothing")).toMatchObject({ status: 1, stderr: 'Error: Cannot find image "nothing": it is not in the store\nHint: see wherry image ls\n' });
  });
});

describe("image history and inspect", () => {
  test("image history shows the steps, newest first, with the sizes of their layers", async () => {
    expect(await out("history nginx:1.27")).toBe(
      "ID             CREATED   CREATED BY                                      SIZE    COMMENT\n" +
      "aaaaaaaaaaaa   27d ago   COPY site /srv                                  1.5MB\n" +
      "<missing>      28d ago   CMD [\"nginx\"]                                   0B\n" +
      "<missing>      28d ago   /bin/sh -c #(nop) ADD file:8b8864b3e02a33a57…   30MB    base\n");
    expect(await out("history --no-trunc web")).toContain("fcb3 in /   30MB    base\n");
    expect(JSON.parse(await out("history web -o json"))).toMatchObject([{ id: hex("a"), layer: hex("2"), size: 1_500_000 }, { id: "", size: 0 }, { layer: hex("1"), comment: "base" }]);
  });

  test("image inspect has digests, layers with sizes and damage, architecture, healthcheck, history and users", async () => {
    use();
    place.durable.images.putLayer({ diffId: hex("2"), size: 1_500_000, entries: 9, unpackedAt: NOW, damage: "a file has changed" });
    const [value] = JSON.parse(await out("image inspect web"));
    expect(value).toMatchObject({
      id: hex("a"), digests: [`docker.io/library/nginx@${hex("d")}`], architecture: "amd64", os: "linux", config: { healthcheck: { test: ["CMD", "true"], retries: 3 } },
      layers: [{ diffId: hex("1"), size: 30_000_000 }, { diffId: hex("2"), damage: "a file has changed" }], usedBy: ['pod "default/web"'],
    });
    expect(value.history.length).toBe(3);
    expect(await cli("image inspect nothing")).toMatchObject({ status: 1 });
  });
});

describe("image df", () => {
  test("image df shows what is there and what could go, system df the same", async () => {
    use();
    expect(await out("image df")).toBe("TYPE     TOTAL   ACTIVE   SIZE     RECLAIMABLE\nImages   2       1        31.5MB   700B (0%)\nLayers   3       2        31.5MB   700B (0%)\n");
    expect((await out("system df -v")).split("\n").slice(1).map((line) => line.split(/\s{2,}/))).toEqual([
      ["docker.io/library/nginx:1.27", "aaaaaaaaaaaa", "3d ago", "31.5MB", "30MB", "1.5MB", "1"], ["localhost/web:latest", "aaaaaaaaaaaa", "3d ago", "31.5MB", "30MB", "1.5MB", "1"],
      ["<none>", "bbbbbbbbbbbb", "3d ago", "30MB", "30MB", "700B", "0"], [""],
    ]);
    expect(JSON.parse(await out("image df -o json"))).toMatchObject({ images: { total: 2, reclaimable: 700 }, each: [{ id: hex("a"), unique: 1_500_000, users: ['pod "default/web"'] }, { id: hex("b"), shared: 30_000_000 }] });
  });
});

describe("image prune", () => {
  const collected: Partial<ImageDriver> = { collect: async () => ({ layers: [{ diffId: hex("3"), bytes: 700 }], bytes: 700 }) };

  test("image prune asks, and removes images without a name", async () => {
    const asked = await cli("image prune", { stdin: "no\n", images: collected });
    expect([asked.status, asked.stdout, asked.stderr]).toEqual([0, "", "This removes all images without a name that no pod uses, and layers of no image. Go on? [y/N] "]);
    expect(place.durable.images.images().length).toBe(2);
    expect(await cli("image prune", { images: collected })).toMatchObject({ status: 2 });
    expect(await out("image prune", { stdin: "y\n", images: collected })).toBe(`Deleted: ${hex("b")}\nDeleted: layer ${hex("3")}\nTotal reclaimed space: 700B\n`);
    expect(place.durable.images.images().map(({ id }) => id)).toEqual([hex("a")]);
  });

  test("image prune --all keeps what a pod is made of", async () => {
    use();
    expect(JSON.parse(await out("image prune -af -o json", { images: collected }))).toMatchObject({ images: [{ id: hex("b") }], reclaimed: 700 });
    expect(await cli("image rm web", { images: collected })).toMatchObject({ status: 0 });
    expect(await cli("image rm nginx:1.27", { images: collected })).toMatchObject({ status: 125, stderr: expect.stringContaining('used by pod "default/web"') });
  });

  test("image prune says when layers have to stay", async () => {
    const { stdout, stderr } = await cli("image prune -f", { images: { collect: async () => undefined } });
    expect([stdout, stderr]).toEqual([`Deleted: ${hex("b")}\nTotal reclaimed space: 0B\n`, "Layers are left where they are while another process adds to the store: prune again when it has ended\n"]);
  });

  test("confirmed() takes y and yes only", async () => {
    const answer = (text: string): Promise<boolean> => confirmed({ stdin: stdinOf(text), stderr: { isTerminal: false, write: async () => true } }, "Go on?");
    expect(await Promise.all(["y\n", "YES\n", " y \nn\n", "n\n", "\n", "yep\n", "y"].map(answer))).toEqual([true, true, true, false, false, false, true]);
    await expect(answer("")).rejects.toThrow("the standard input has ended");
  });
});

describe("image pull", () => {
  const pulling = (seen: (readonly [string, PullOptions])[]): Partial<ImageDriver> => ({
    pull: async (_, name, options) => {
      seen.push([name, options]);
      options.progress({ step: "read", source: `docker://${name}` });
      if (name === "secret") fail("failed", 'Cannot pull "secret": authentication required');
      return { image: image("a"), changed: true };
    },
  });

  test("image pull prints the ids, and tells progress on stderr only", async () => {
    expect(await cli("pull nginx:1.27", { images: pulling([]) })).toEqual({ status: 0, stdout: `${hex("a")}\n`, stderr: "reading docker://nginx:1.27\n" });
    expect(await cli("image pull -q docker://nginx:1.27", { images: pulling([]) })).toEqual({ status: 0, stdout: `${hex("a")}\n`, stderr: "" });
    expect(JSON.parse(await out("pull nginx -o json", { images: pulling([]) }))).toEqual([{ name: "nginx", id: hex("a"), names: image("a").names, digests: image("a").digests, changed: true }]);
  });

  test("image pull hands on how the registry is reached", async () => {
    const seen: (readonly [string, PullOptions])[] = [];
    await cli("pull --platform linux/arm/v7 --authfile /a --creds me:pw --tls-verify=false --cert-dir /c one two one", { images: pulling(seen) });
    expect(seen.map(([name]) => name)).toEqual(["one", "two"]);
    expect(seen[0]?.[1]).toMatchObject({ platform: { os: "linux", architecture: "arm", variant: "v7" }, authFile: "/a", credentials: "me:pw", tlsVerify: false, certDir: "/c", environment: {} });
    for (const line of ["pull --platform arm64 one", "pull --platform a/b/c/d one", "pull --creds :x one", "pull"]) expect(await cli(line, { images: pulling([]) })).toMatchObject({ status: 2 });
    expect(parsePlatform("linux/arm64")).toEqual({ os: "linux", architecture: "arm64" });
  });

  test("image pull goes on with the others when one cannot be pulled", async () => {
    expect(await cli("pull -q secret nginx", { images: pulling([]) })).toEqual({ status: 1, stdout: `${hex("a")}\n`, stderr: 'Error: Cannot pull "secret": authentication required\n' });
    expect(await cli("pull -q secret", { images: pulling([]) })).toEqual({ status: 1, stdout: "", stderr: 'Error: Cannot pull "secret": authentication required\n' });
  });

  test("image pull ends with 130 at a signal, when what it had begun has ended", async () => {
    let ended = false;
    const slow: Partial<ImageDriver> = {
      pull: (_, name, { signal }) => new Promise((__, reject) => signal.addEventListener("abort", () => setTimeout(() => {
        ended = true;
        reject(new Error(`${name} was interrupted`));
      }, 10))),
    };
    expect(await cli("pull -q nginx", { images: slow, interrupted: Bun.sleep(20) })).toEqual({ status: 130, stdout: "", stderr: "Interrupted\n" });
    expect(ended).toBe(true);
  });
});

describe("image load", () => {
  const loading = (seen: string[]): Partial<ImageDriver> => ({
    load: async (_, source) => {
      seen.push(readFileSync(source, "utf8"));
      return [image("a"), image("b")];
    },
  });

  test("image load takes a file or the standard input, of which nothing stays", async () => {
    const seen: string[] = [];
    writeFileSync(`${place.paths.durable}/a.tar`, "from a file");
    const loaded = `Loaded image: docker.io/library/nginx:1.27\nLoaded image: localhost/web:latest\nLoaded image: ${hex("b")}\n`;
    expect(await out("load -q -i a.tar", { images: loading(seen) })).toBe(loaded);
    const before = readdirSync("/var/tmp").filter((name) => name.startsWith("wherry-load-"));
    expect(await out("image load -q", { images: loading(seen), stdin: "from a pipe" })).toBe(loaded);
    expect([seen, readdirSync("/var/tmp").filter((name) => name.startsWith("wherry-load-"))]).toEqual([["from a file", "from a pipe"], before]);
    expect(JSON.parse(await out("load -q -i a.tar -o json", { images: loading(seen) }))).toMatchObject([{ id: hex("a") }, { id: hex("b"), names: [] }]);
  });

  test("image load does not read from a terminal", async () => {
    expect(await cli("load", { terminal: true, stdin: "x", images: loading([]) })).toMatchObject({ status: 2, stderr: expect.stringContaining("Cannot load from a terminal") });
  });
});

describe("image save and push", () => {
  const packing: Partial<ImageDriver> = { writeLayer: async (_, diffId, path) => writeFileSync(path, `layer ${diffId}`) };

  test("image save writes a file, or the standard output, but no terminal", async () => {
    const { status, stderr } = await cli("save -o both.tar web nginx:1.27", { images: packing });
    expect([status, stderr.split("\n").length, existsSync(`${place.paths.durable}/both.tar`)]).toEqual([0, 4, true]);
    expect(await out("save -q web nginx:1.27", { images: packing })).toHaveLength(readFileSync(`${place.paths.durable}/both.tar`).length);
    expect(await cli("save web", { terminal: true, images: packing })).toMatchObject({ status: 2, stderr: expect.stringContaining("Cannot save to a terminal") });
    expect(await cli("save -o x.tar nothing", { images: packing })).toMatchObject({ status: 1, stderr: expect.stringContaining('Cannot find image "nothing"') });
    expect(await cli("save -o none/x.tar web", { images: packing })).toMatchObject({ status: 1, stderr: expect.stringContaining("its directory does not exist") });
    expect(await cli("save --format tar -o x.tar web", { images: packing })).toMatchObject({ status: 2 });
    expect(readdirSync(`${place.paths.durable}/tmp`)).toEqual([]);
  });

  test("image save to a file called json is not the format of an answer", async () => {
    expect(await cli("save -o json nothing", { images: packing })).toMatchObject({ status: 1, stdout: "" });
  });

  test("image push says what cannot be pushed", async () => {
    expect(await cli("push nothing", { images: packing })).toMatchObject({ status: 1, stderr: expect.stringContaining('Cannot find image "nothing"') });
    expect(await cli(`push ${hex("b")}`, { images: packing })).toMatchObject({ status: 2, stderr: expect.stringContaining("it has no name") });
  });
});

describe("system check", () => {
  const finding = { object: `layer ${hex("2")}`, problem: "a file has changed" };
  const leftover = { object: "file tmp/x", problem: "a crash has left it" };

  test("system check ends with 1 when something is wrong, each a line", async () => {
    const contents: boolean[] = [];
    const check: ImageDriver["check"] = async (_, options) => (contents.push(options.contents), [finding, leftover]);
    expect(await cli("system check", { images: { check } })).toEqual({ status: 1, stdout: `layer ${hex("2")}: a file has changed\nfile tmp/x: a crash has left it\n`, stderr: "" });
    expect(JSON.parse(await out("system check --contents -o json", { images: { check } }))).toEqual({ findings: [finding, leftover], repaired: [] });
    expect(contents).toEqual([false, true]);
    expect(await cli("system check", { images: { check: async () => [] } })).toEqual({ status: 0, stdout: "Nothing is wrong\n", stderr: "" });
  });

  test("system check --repair collects leftovers, and pulls damaged images by digest, then by name", async () => {
    const layer = { diffId: hex("2"), size: 1_500_000, entries: 9, unpackedAt: NOW };
    place.durable.images.putLayer({ ...layer, damage: "a file has changed" });
    const pulled: string[] = [];
    let collected = false;
    const images: Partial<ImageDriver> = {
      check: async () => [...(pulled.length < 2 ? [finding] : []), ...(collected ? [] : [leftover])],
      collect: async () => ((collected = true), { layers: [], bytes: 0 }),
      pull: async (_, name) => {
        pulled.push(name);
        if (name.includes("@")) fail("failed", "Cannot pull it: manifest unknown");
        place.durable.images.putLayer({ ...layer, damage: "" });
        return { image: image("a"), changed: false };
      },
    };
    const { status, stdout, stderr } = await cli("system check --repair", { images });
    expect([status, stdout, stderr]).toEqual([0, `layer ${hex("2")}: a file has changed (repaired)\nfile tmp/x: a crash has left it (repaired)\n`, "Cannot pull it: manifest unknown\n"]);
    expect(pulled).toEqual([`docker.io/library/nginx@${hex("d")}`, "docker.io/library/nginx:1.27"]);
  });
});

describe("findingsOf", () => {
  test("findingsOf() has damage first, then what cannot be told, then leftovers", () => {
    const report = { damaged: new Map([[hex("1"), ["a is missing", "b has changed"]]]), unrecorded: [hex("2")], images: new Map([[hex("a"), ["its configuration is missing"]]]), leftovers: ["tmp/x"] };
    expect(findingsOf(report).map(({ object, problem }) => `${object.replaceAll(/(.)\1{63}/g, "$1")}: ${problem}`)).toEqual([
      "layer sha256:1: a is missing", "layer sha256:1: b has changed", "image sha256:a: its configuration is missing",
      "layer sha256:2: it cannot be checked: it was unpacked by a version that recorded nothing", "file tmp/x: nothing needs it",
    ]);
    expect(findingsOf({ damaged: new Map(), unrecorded: [], images: new Map(), leftovers: [] })).toEqual([]);
  });
});

describe("login and logout", () => {
  test("login and logout refuse what makes no sense before skopeo is asked", async () => {
    for (const line of ["login", "login -p a --password-stdin r", "login --password-stdin r", "logout", "logout --all r"]) expect(await cli(line, { stdin: "pw" })).toMatchObject({ status: 2 });
    expect((await cli("login -p a r")).stderr).toContain("WARNING! Using --password");
  });
});
