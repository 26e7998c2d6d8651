import { expect, test } from "bun:test";
import { world } from "../../testing.ts";

test("image fetch says in its last line why there is no image, and ends with 1", async () => {
  using place = world();
  const { status, stdout, stderr } = await place.cli(["image", "fetch", "--authfile", "/nowhere", "--", "localhost/nothing:1"]);
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  expect([status, stderr]).toEqual([1, ""]);
  expect(JSON.parse(last)).toMatchObject({ error: { code: "ErrImagePull", message: expect.stringMatching(/^Cannot pull image "localhost\/nothing:1": /), transient: false } });
});

test("image fetch is not shown to people", async () => {
  using place = world();
  expect((await place.cli(["help", "image"])).stdout).not.toContain("fetch");
});
