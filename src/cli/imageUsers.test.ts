import { expect, test } from "bun:test";
import { fakeHost } from "../pod/fake.ts";
import { containerRecord, podRecord } from "../pod/testing.ts";
import { usersOf } from "./imageUsers.ts";

test("usersOf() counts images of containers, also of pods that have ended, and of image volumes", () => {
  using world = fakeHost();
  const { images } = world.host;
  const id = images.find("localhost/busybox:latest")?.id ?? "";
  const record = podRecord("web");
  const container = containerRecord(record, "main", { imageId: "sha256:of-the-container" });
  const volumes = [{ name: "data", image: { reference: "localhost/busybox", pullPolicy: "Never" } }] as const;
  const reader = podRecord("reader", { uid: "00000000-0000-4000-8000-000000000002", spec: { volumes } });
  const state = { pods: () => [record, reader], containers: () => [container] };
  expect(usersOf(state, images)).toEqual(new Map([["sha256:of-the-container", ['pod "default/web"']], [id, ['pod "default/reader"']]]));
});
