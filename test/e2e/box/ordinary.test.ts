/**
 * The plain room's scenarios as an ordinary user with a manager, in the box: what root's wherry does, a user's does too.
 * Each file runs there by itself, with leak checks that look into the user's namespaces.
 */
import { expect } from "bun:test";
import { CHECKOUT, openBox } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { newUser, takeUserDown, type User } from "../../harness/users.ts";

const FILES = ["play", "pods", "probes", "volumes", "lifecycle", "environment", "names"];
const TIMEOUT = 240_000;

let user: User | undefined;
const scenario = await scenarios(async () => {
  const opened = await openBox();
  if (!("room" in opened)) return opened;
  if (opened.room.kind === "vm") return { missing: "make test-vm runs the plain room's files as a user in the VM" };
  // What udev makes on a machine, and the room's own directory in /run, which is root's otherwise
  await opened.room.run(["sh", "-c", "mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; chmod 0666 /dev/net/tun; chmod 1777 /run"]);
  user = await newUser(opened.room, "erin", { lingers: true });
  return opened;
});

for (const file of FILES) {
  scenario(`as an ordinary user: ${file}`, async () => {
    if (user === undefined) throw new Error("There is no user");
    const argv = ["env", "WHERRY_ROOM=here", "sh", "-c", 'cd "$1" && exec node_modules/.bin/bun test --timeout 30000 --only-failures "$2"', "-", CHECKOUT, `./test/e2e/plain/${file}.test.ts`];
    const { status, stdout, stderr } = await user.run(argv, { timeout: TIMEOUT });
    await takeUserDown(user);
    expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
  }, { timeout: TIMEOUT + 30_000 });
}
