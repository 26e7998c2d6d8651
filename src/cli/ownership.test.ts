import { expect, test } from "bun:test";
import { ownerFor, rootOf } from "./ownership.ts";

const HOST = "         0          0 4294967295\n";
const file = { uid: 1000, gid: 1001, mode: 0o104777 };

test("ownerFor() keeps owner and mode for root", () => {
  expect(ownerFor({ uid: 0, gid: 0, uidMap: HOST, gidMap: HOST, plain: false })(file)).toEqual({ uid: 1000, gid: 1001, mode: 0o4777 });
});

test("ownerFor() gives files to another user, and to root when nothing is to be kept", () => {
  expect(ownerFor({ uid: 33, gid: 34, uidMap: HOST, gidMap: HOST, plain: false })(file)).toEqual({ uid: 33, gid: 34, mode: 0o755 });
  expect(ownerFor({ uid: 0, gid: 0, uidMap: HOST, gidMap: HOST, plain: true })(file)).toEqual({ uid: 0, gid: 0, mode: 0o755 });
});

test("ownerFor() counts as the container's user namespace does", () => {
  const maps = { uidMap: "0 100000 1000\n1000 5000 1\n", gidMap: "0 100000 65536\n" };
  expect(ownerFor({ uid: 0, gid: 0, ...maps, plain: false })(file)).toEqual({ uid: 5000, gid: 101001, mode: 0o4777 });
  expect(ownerFor({ uid: 0, gid: 0, ...maps, plain: true })(file)).toEqual({ uid: 100000, gid: 100000, mode: 0o755 });
  expect(() => ownerFor({ uid: 0, gid: 0, ...maps, plain: false })({ ...file, uid: 2000 })).toThrow("the container has no such id");
});

test("rootOf() is whom the container's root is on the host", () => {
  expect(rootOf({ uidMap: HOST, gidMap: HOST })).toEqual({ uid: 0, gid: 0 });
  expect(rootOf({ uidMap: "0 100000 1000\n", gidMap: "0 200000 65536\n" })).toEqual({ uid: 100000, gid: 200000 });
});
