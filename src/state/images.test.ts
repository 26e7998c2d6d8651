import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ImageCatalog, Layer } from "../storage/storage.ts";
import { image, temporaryDirectory } from "./fixtures.ts";
import { openDurable } from "./mod.ts";

function catalog(): Disposable & { readonly images: ImageCatalog } {
  const directory = temporaryDirectory();
  const state = openDurable(join(directory.path, "wherry.db"));
  return {
    images: state.images,
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

test("ImageCatalog.put() keeps an image as it is, names in order, and replaces it", () => {
  using it = catalog();
  it.images.put(image("a", ["docker.io/library/z:1", "docker.io/library/a:1"]));
  expect(it.images.images()).toEqual([image("a", ["docker.io/library/z:1", "docker.io/library/a:1"])]);
  it.images.put({ ...image("a", ["docker.io/library/a:1"]), size: 99 });
  expect(it.images.images()).toEqual([{ ...image("a", ["docker.io/library/a:1"]), size: 99 }]);
});

test("ImageCatalog.put() takes its names away from other images", () => {
  using it = catalog();
  it.images.put(image("a", ["x/n:1", "x/n:old"]));
  it.images.put(image("b", ["x/n:1"]));
  expect(it.images.images()).toEqual([image("a", ["x/n:old"]), image("b", ["x/n:1"])]);
});

const ONE = `sha256:abcdef1${"0".repeat(57)}`;
const TWO = `sha256:abcdef2${"0".repeat(57)}`;
const FOUND: readonly (readonly [reference: string, id: string | undefined])[] = [
  ["localhost:5000/n:1", ONE],
  [`localhost:5000/n@${ONE}`, ONE],
  [`other/n@${ONE}`, undefined],
  [ONE, ONE],
  [ONE.slice(7), ONE],
  ["sha256:abcdef1", ONE],
  ["abcdef2", TWO],
  ["abcdef", undefined],
  ["abcde", undefined],
  ["abcdef3", undefined],
  ["localhost:5000/n", undefined],
  ["quay.io/m@sha256:manifest", TWO],
];

test.each(FOUND)("ImageCatalog.find() of %p is %p", (reference, id) => {
  using it = catalog();
  it.images.put({ ...image("a", ["localhost:5000/n:1"]), id: ONE });
  it.images.put({ ...image("b"), digests: ["quay.io/m@sha256:manifest"], id: TWO });
  expect(it.images.find(reference)?.id).toBe(id);
});

test("ImageCatalog.untag() takes one name, remove() forgets the image and its names; both may be repeated", () => {
  using it = catalog();
  it.images.put(image("a", ["x:1", "x:2"]));
  for (const _ of [1, 2]) it.images.untag("x:1");
  expect(it.images.images()).toEqual([image("a", ["x:2"])]);
  for (const _ of [1, 2]) it.images.remove(image("a").id);
  expect([it.images.images(), it.images.find("x:2")]).toEqual([[], undefined]);
});

test("ImageCatalog.put() keeps digests apart from names, and takes them away from other images", () => {
  using it = catalog();
  it.images.put({ ...image("a", ["x/n:1"]), digests: ["x/n@sha256:m"] });
  it.images.put({ ...image("b", ["x/n:2"]), digests: ["x/n@sha256:m"] });
  expect(it.images.images()).toEqual([image("a", ["x/n:1"]), { ...image("b", ["x/n:2"]), digests: ["x/n@sha256:m"] }]);
});

const layer = (digit: string, change: Partial<Layer> = {}): Layer => ({ diffId: `sha256:${digit.repeat(64)}`, size: 10, entries: 2, unpackedAt: 5, damage: "", ...change });

test("ImageCatalog.putLayer() adds or replaces a layer and keeps the blobs known before", () => {
  using it = catalog();
  it.images.putLayer(layer("a"), { digest: "sha256:gz", size: 4 });
  it.images.putLayer(layer("a", { damage: "a file is missing" }), { digest: "sha256:zst", size: 3 });
  it.images.putLayer(layer("b"));
  expect(it.images.layers()).toEqual([layer("a", { damage: "a file is missing" }), layer("b")]);
  expect(["sha256:gz", "sha256:zst", "sha256:other"].map((digest) => it.images.layerOfBlob(digest)?.diffId)).toEqual([layer("a").diffId, layer("a").diffId, undefined]);
});

test("ImageCatalog.putLayer() lets a blob mean one layer", () => {
  using it = catalog();
  it.images.putLayer(layer("a"), { digest: "sha256:gz", size: 4 });
  it.images.putLayer(layer("b"), { digest: "sha256:gz", size: 4 });
  expect(it.images.layerOfBlob("sha256:gz")).toEqual(layer("b"));
});

test("ImageCatalog.removeLayer() forgets the layer and its blobs; it may be repeated", () => {
  using it = catalog();
  it.images.putLayer(layer("a"), { digest: "sha256:gz", size: 4 });
  for (const _ of [1, 2]) it.images.removeLayer(layer("a").diffId);
  expect([it.images.layers(), it.images.layer(layer("a").diffId), it.images.layerOfBlob("sha256:gz")]).toEqual([[], undefined, undefined]);
});
