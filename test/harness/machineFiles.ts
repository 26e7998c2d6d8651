/** Files of the machine's `/etc/containers` as a room is to see them; the machine's own stay as they are. */
import { expectStatus, type Room } from "./room.ts";

const COVER = `
mkdir -p "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=/etc/containers,upperdir=$1/upper,workdir=$1/work" overlay /etc/containers`;

let covers = 0;

/** Runs `body` while files (path below `/etc/containers` → text) are there. */
export async function withMachineFiles(room: Room, files: Readonly<Record<string, string>>, body: () => Promise<void>): Promise<void> {
  covers += 1;
  expectStatus(await room.run(["sh", "-ec", COVER, "-", `/run/covers/${covers}`]), 0, ["mount"]);
  try {
    for (const [path, text] of Object.entries(files)) await room.write(`/etc/containers/${path}`, text);
    await body();
  } finally {
    expectStatus(await room.run(["umount", "/etc/containers"]), 0, ["umount"]);
  }
}
