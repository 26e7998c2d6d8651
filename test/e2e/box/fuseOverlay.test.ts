/** An ordinary user whose home is on an overlay: root filesystems are mounted by fuse-overlayfs. */
import { afterAll, expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE } from "../../harness/image.ts";
import { podText, type PodText, type PodView } from "../../harness/objects.ts";
import { kill, processes } from "../../harness/processes.ts";
import { CHECKOUT, openBox, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { unitOf } from "../../harness/units.ts";
import { paced } from "../../harness/pace.ts";
import { newUser, sendHome, takeUserDown, type User } from "../../harness/users.ts";

const users: User[] = [];

function dave(): User {
  const [user] = users;
  if (user === undefined) throw new Error("There is no user");
  return user;
}

const scenario = await scenarios(async () => {
  const opened = await openBox();
  if (!("room" in opened)) return opened;
  // What udev makes on a machine.
  await opened.room.run(["sh", "-c", "mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; [ -e /dev/fuse ] || mknod /dev/fuse c 10 229; chmod 0666 /dev/net/tun /dev/fuse"]);
  if ((await opened.room.run(["sh", "-c", "command -v fuse-overlayfs && : <>/dev/fuse"])).status !== 0) return { missing: "fuse-overlayfs is not installed, or /dev/fuse cannot be used" };
  users.push(await newUser(opened.room, "dave", { lingers: true, overlaid: true }));
  afterAll(() => sendHome(opened.room, dave()), paced(60_000)); // before the room goes
  await dave().ok(["image", "import", `${CHECKOUT}/.cache/test-image.tar`, IMAGE]);
  await takeUserDown(dave());
  return opened;
});

const userScenario: typeof scenario = (title, body, options) =>
  scenario(title, async (room) => {
    try {
      await body(room);
    } finally {
      await takeUserDown(dave());
    }
  }, { timeout: 120_000, ...options });

const played = async (name: string, options: PodText = {}): Promise<void> => {
  await dave().write(`${dave().home}/${name}.yaml`, podText(name, options));
  await dave().ok(["play", `${name}.yaml`], { timeout: 60_000 });
};

const inWeb = (script: string): Promise<string> => dave().ok(["exec", "web", "--", "sh", "-c", script]);
const fuses = async (room: Room): Promise<readonly number[]> => (await processes(room)).filter(({ program }) => program === "fuse-overlayfs").map(({ pid }) => pid);

async function webPod(): Promise<PodView | undefined> {
  const list: { readonly items: readonly PodView[] } = JSON.parse(await dave().ok(["get", "pods", "-o", "json"]));
  return list.items[0];
}

userScenario("doctor says what stands in, and nothing is missing", async () => {
  const told: { readonly ready: boolean; readonly findings: readonly { readonly about: string }[] } = JSON.parse(await dave().ok(["doctor", "-o", "json"]));
  expect(told.ready).toBe(true);
  expect(told.findings).toContainEqual(expect.objectContaining({ about: "overlay filesystem", level: "warning", is: expect.stringMatching(/^by fuse-overlayfs, as .* is on overlay/) }));
});

userScenario("a pod writes over a file of its image, and deletes one; taken down, nothing is left", async (room) => {
  await played("web");
  await inWeb("echo changed >/etc/passwd; rm /bin/wget; mkdir -p /new/dir");
  expect(await inWeb("cat /etc/passwd; ls -d /bin/wget /new/dir 2>&1 || :")).toMatch(/^changed\n(.*No such file.*\n\/new\/dir|\/new\/dir\n.*No such file.*)\n$/);
  expect(await inWeb("chown 1000:2000 /new/dir; stat -c '%u %g' /new/dir")).toBe("1000 2000\n");
  const [pid = 0, ...others] = await fuses(room);
  expect(others).toEqual([]);
  // It ends with neither the service nor the command: it is beside the holder of the namespaces.
  expect((await room.run(["cat", `/proc/${pid}/cgroup`])).stdout).toMatch(/^0::.*\/wherry-namespaces-\w+\.scope$/m);
  expect((await webPod())?.status.phase).toBe("Running");
  await dave().ok(["down", "web"], { timeout: 60_000 });
  await eventually(async () => expect(await fuses(room)).toEqual([]), { within: 5_000 });
  await played("web");
  expect(await inWeb("cat /etc/passwd; ls /bin/wget")).not.toContain("changed");
});

userScenario("after kill -9 of the process behind a root filesystem, the container is restarted with a new one", async (room) => {
  await played("web", { script: "echo begun; trap 'exit 0' TERM; sleep 100000 & wait" });
  await inWeb("echo mine >/mine");
  const before = await fuses(room);
  await kill(room, ...before);
  await eventually(async () => expect(await inWeb("ls /mine 2>/dev/null || echo anew")).toBe("anew\n"), { within: 20_000 });
  expect(await fuses(room)).not.toEqual(before);
  expect((await fuses(room)).length).toBe(1);
  expect(await dave().ok(["get", "events"])).toContain("RootfsLost");
});

userScenario("after kill -9 of it and of the supervisor, play makes the container well again", async (room) => {
  await played("web");
  await inWeb("echo mine >/mine");
  const { stdout } = await room.run(["pgrep", "-u", "dave", "-f", "wherry supervise"]);
  await kill(room, ...stdout.trim().split("\n").map(Number), ...(await fuses(room)));
  await dave().ok(["play", "web.yaml"], { timeout: 60_000 });
  await eventually(async () => expect(await inWeb("ls /mine 2>/dev/null || echo anew")).toBe("anew\n"), { within: 20_000 });
});

userScenario("after kill -9 of everything at many points of a start, play runs it, with one process behind it", async (room) => {
  await dave().write("/home/dave/web.yaml", podText("web"));
  const doomed = new Set(["wherry", "setpriv", "fuse-overlayfs"]);
  for (const seconds of ["0.1", "0.2", "0.3", "0.4", "0.6"]) {
    await dave().run(["sh", "-c", 'wherry play web.yaml >/dev/null 2>&1 & sleep "$1"', "-", seconds]);
    await kill(room, ...(await processes(room)).filter(({ program }) => doomed.has(program)).map(({ pid }) => pid));
  }
  await dave().ok(["play", "web.yaml"], { timeout: 60_000 });
  await eventually(async () => expect(await inWeb("echo here")).toBe("here\n"), { within: 20_000 });
  await eventually(async () => expect((await fuses(room)).length).toBe(1), { within: 5_000 });
});

userScenario("the stop of a unit leaves a container its root filesystem until it has ended", async (room) => {
  const unit = unitOf("/home/dave/unit.yaml");
  await dave().write("/home/dave/unit.yaml", podText("unit", {
    grace: 20,
    script: "trap 'sleep 1; cp /etc/group /copied && cat /copied >/data/said; exit 0' TERM; sleep 100000 & wait",
    container: "volumeMounts: [{name: data, mountPath: /data}]",
    spec: "volumes: [{name: data, hostPath: {path: /home/dave/data, type: DirectoryOrCreate}}]",
  }));
  await dave().systemctl("start", unit);
  expect((await dave().systemctl("is-active", unit)).trim()).toBe("active");
  expect((await fuses(room)).length).toBe(1);
  await dave().systemctl("stop", unit);
  expect((await dave().run(["cat", "/home/dave/data/said"])).stdout).toContain("root:");
  await eventually(async () => expect(await fuses(room)).toEqual([]), { within: 5_000 });
});

userScenario("after kill -9 of the holder, a new container's process gets a scope of its own", async (room) => {
  await played("web");
  const { stdout } = await dave().run(["cut", "-d", " ", "-f", "1", `/run/user/${dave().uid}/wherry/rootless/holder`]);
  await kill(room, Number(stdout));
  const before = await fuses(room);
  await kill(room, ...before);
  await eventually(async () => {
    const [pid] = await fuses(room);
    expect(pid).toBeDefined();
    expect(pid).not.toBe(before[0]);
    expect((await room.run(["cat", `/proc/${pid}/cgroup`])).stdout).toMatch(/^0::.*\/wherry-namespaces-\w+-filesystem\.scope$/m);
  }, { within: 20_000 });
  expect(await inWeb("echo here")).toBe("here\n");
});

userScenario("an image volume is there, and read-only", async () => {
  await played("web", { container: "volumeMounts: [{name: image, mountPath: /image}]", spec: `volumes: [{name: image, image: {reference: ${IMAGE}, pullPolicy: IfNotPresent}}]` });
  expect(await inWeb("ls /image/bin/sh; touch /image/f 2>/dev/null || echo read-only")).toBe("/image/bin/sh\nread-only\n");
});
