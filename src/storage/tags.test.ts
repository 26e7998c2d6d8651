import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { IMAGE_ENVIRONMENT, imageEnvironment } from "./environment.ts";
import { fakeCatalog } from "./fake.ts";
import { digestOf, scratch } from "./fixtures.ts";
import { EMPTY_CONFIG } from "./imageConfig.ts";
import { nameMeant, tagImage, untagImage } from "./tags.ts";
import { pruneImages } from "./prune.ts";
import type { Image, Layer, Store } from "./storage.ts";
import { imageUsage } from "./usage.ts";

const [A, B, C, D] = ["a", "b", "c", "d"].map(digestOf) as [string, string, string, string]; // as many as there are letters
const image = (letter: string, names: readonly string[], layers: readonly string[] = [A]): Image =>
  ({ id: digestOf(`image ${letter}`), names, digests: [], layers, config: EMPTY_CONFIG, size: 1, created: 0, importedAt: 0 });
const storeAt = (path: string, ...images: readonly Image[]): Store => ({ directory: path, catalog: fakeCatalog(images) });
const NGINX = image("nginx", ["docker.io/library/nginx:1"]), OTHER = image("other", ["localhost/other:latest"]);

describe("tagImage", () => {
  test("tagImage() adds names, short ones of this host, and takes them from other images", async () => {
    using at = scratch();
    const store = storeAt(at.path, NGINX, OTHER);
    expect((await tagImage(store, "nginx:1", ["other", "quay.io/a/b:2", "other"])).names).toEqual(["docker.io/library/nginx:1", "localhost/other:latest", "quay.io/a/b:2"]);
    expect(store.catalog.find(OTHER.id)?.names).toEqual([]);
    expect(readdirSync(`${at.path}/locks`)).toContain("store");
  });

  test("tagImage() keeps both names that two processes give at the same time", async () => {
    using at = scratch();
    const store = storeAt(at.path, NGINX);
    await Promise.all(["one", "two", "three"].map((name) => tagImage(store, "nginx:1", [name])));
    expect(store.catalog.find(NGINX.id)?.names.toSorted()).toEqual(["docker.io/library/nginx:1", "localhost/one:latest", "localhost/three:latest", "localhost/two:latest"]);
  });

  test("tagImage() refuses digests, what is no name, and images that are not there", async () => {
    using at = scratch();
    const store = storeAt(at.path, NGINX);
    await expect(tagImage(store, "nginx:1", [`a@${A}`])).rejects.toThrow("a digest belongs to what a registry has");
    await expect(tagImage(store, "nginx:1", ["Upper"])).rejects.toThrow("lower case");
    await expect(tagImage(store, "redis", ["x"])).rejects.toThrow('Cannot find image "redis"');
  });
});

describe("untagImage", () => {
  test("untagImage() takes the name away that it was called by, or all for an id; the image stays", () => {
    const store = storeAt("/nowhere", { ...NGINX, names: ["docker.io/library/nginx:1", "localhost/a:1", "localhost/b:1"] });
    expect(untagImage(store, "a:1")).toEqual(["localhost/a:1"]);
    expect(nameMeant(NGINX, NGINX.id)).toBeUndefined();
    expect(untagImage(store, NGINX.id.slice(7, 20))).toEqual(["docker.io/library/nginx:1", "localhost/b:1"]);
    expect(store.catalog.images().length).toBe(1);
    expect(() => untagImage(store, "a:1")).toThrow("not in the store");
  });
});

describe("pruneImages", () => {
  const nameless = image("nameless", []);
  const users = (...ids: readonly string[]) => () => new Map(ids.map((id) => [id, ["pod"]]));
  test.each([
    ["images without a name", false, users(), [nameless]],
    ["all images", true, users(), [NGINX, nameless]],
    ["nothing that is used", true, users(nameless.id), [NGINX]],
    ["no nameless image that is used", false, users(nameless.id), []],
  ] as const)("pruneImages() forgets %s", (_, all, using, gone) => {
    const store = storeAt("/nowhere", NGINX, nameless);
    expect(pruneImages(store, { all, users: using })).toEqual([...gone]);
    expect(store.catalog.images().length).toBe(2 - gone.length);
  });

  test("pruneImages() asks who uses an image before each removal", () => {
    const store = storeAt("/nowhere", NGINX, nameless);
    let asked = 0;
    const later = () => new Map((asked++ === 0 ? [] : [[nameless.id, ["pod"]]]) as [string, string[]][]); // a pod comes after the first look
    expect(pruneImages(store, { all: true, users: later })).toEqual([NGINX]);
  });
});

describe("imageUsage", () => {
  const layer = (diffId: string, size: number): Layer => ({ diffId, size, entries: 0, unpackedAt: 0, damage: "" });
  test("imageUsage() counts shared layers once, and what no pod needs as reclaimable", () => {
    const one = image("one", ["localhost/one:1"], [A, B]), two = image("two", [], [A, C]);
    const usage = imageUsage([one, two], [layer(A, 100), layer(B, 20), layer(C, 3), layer(D, 4000)], new Map([[one.id, ["pod"]]]));
    expect(usage.images).toEqual({ total: 2, active: 1, size: 123, reclaimable: 3 });
    expect(usage.layers).toEqual({ total: 4, active: 2, size: 4123, reclaimable: 4003 });
    expect(usage.each.map(({ shared, unique, users }) => [shared, unique, users])).toEqual([[100, 20, ["pod"]], [100, 3, []]]);
  });
});

describe("imageEnvironment", () => {
  test("imageEnvironment() picks what is listed and set", () => {
    expect(imageEnvironment({ HOME: "/h", no_proxy: "", NOTIFY_SOCKET: "x", TMPDIR: undefined })).toEqual({ HOME: "/h", no_proxy: "" });
    expect(IMAGE_ENVIRONMENT).not.toContain("PATH");
  });
});
