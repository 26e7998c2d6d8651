import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { scratch } from "./fixtures.ts";
import { fuseOptions, fuseOverlaysIn, mountEither } from "./fuseOverlay.ts";

test("fuseOptions() names the highest layer first, escapes commas, and is read-only without an upper layer", () => {
  const overlay = { layers: ["a", "b,2"], target: "/t" };
  expect(fuseOptions({ ...overlay, writable: { upper: "/u,", work: "/w" } })).toBe("lowerdir=b\\,2:a,upperdir=/u\\,,workdir=/w,volatile");
  expect(fuseOptions(overlay)).toBe("lowerdir=b\\,2:a,ro,nosuid");
  expect(fuseOptions({ ...overlay, layers: [] })).toBe("lowerdir=/t,ro,nosuid");
});

test("fuseOverlaysIn() finds the layers beside the mount point; without that file there are none", () => {
  using at = scratch();
  writeFileSync(`${at.path}/root.lower`, "a1\na2");
  const line = (target: string): string => `5 1 0:9 / ${target} rw,nodev - fuse.fuse-overlayfs fuse-overlayfs rw,user_id=0`;
  expect(fuseOverlaysIn([line(`${at.path}/root`), line(`${at.path}/other`), "6 1 0:8 / /x rw - overlay overlay rw,lowerdir=/a"].join("\n"))).toEqual([
    { target: `${at.path}/root`, lower: ["a1", "a2"] }, { target: `${at.path}/other`, lower: [] },
  ]);
});

test("mountEither() leaves a failure of the kernel that is no refusal as it is, and any to whom nothing stands in", () => {
  using at = scratch();
  const overlay = { layers: [], target: `${at.path}/t` };
  const natively = (code: string) => (): never => fail("failed", `Cannot mount: ${code}`, { code });
  expect(() => mountEither(overlay, { natively: natively("ENOSPC"), fuse: { launcher: () => [] } })).toThrow("Cannot mount: ENOSPC");
  expect(() => mountEither(overlay, { natively: natively("EINVAL"), fuse: undefined })).toThrow("Cannot mount: EINVAL");
});
