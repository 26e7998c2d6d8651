/** The image of the end-to-end tests: the one of `make demo`, Debian's static busybox with all its applets. */
import { existsSync, mkdirSync } from "node:fs";
import { exec } from "../../src/base/exec.ts";
import { CHECKOUT, type Room } from "./room.ts";

/** A tag of its own: images called `latest` would be pulled. */
export const IMAGE = "localhost/test:1";
const ARCHIVE = `${CHECKOUT}/.cache/test-image.tar`;

/** Makes the archive, which the box sees read-only, before a room is opened. */
export async function packTestImage(): Promise<void> {
  if (existsSync(ARCHIVE)) return;
  mkdirSync(`${CHECKOUT}/.cache`, { recursive: true });
  await exec([`${CHECKOUT}/tools/make-demo-image`, ARCHIVE]);
}

export async function importTestImage(room: Room, env: Readonly<Record<string, string>> = {}): Promise<void> {
  await room.ok(["image", "import", ARCHIVE, IMAGE], { env });
}
