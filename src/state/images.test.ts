import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ImageCatalog } from "../storage/storage.ts";
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
  it.images.put({ ...image("b", ["quay.io/m@sha256:manifest"]), id: TWO });
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
