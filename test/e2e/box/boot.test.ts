import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { pod, podText, pods } from "../../harness/objects.ts";
import { PACE } from "../../harness/pace.ts";
import { openBox } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { property, systemctl, unitOf } from "../../harness/units.ts";

const scenario = await scenarios(openBox);

scenario("make install puts program, units and completions in place", async (room) => {
  expect(await room.ok(["version"])).toMatch(/\d+\.\d+\.\d+/);
  for (const file of ["lib/systemd/system/wherry@.service", "lib/systemd/user/wherry@.service", "share/bash-completion/completions/wherry", "share/zsh/site-functions/_wherry", "share/fish/vendor_completions.d/wherry.fish"]) {
    expect({ file, status: (await room.run(["test", "-s", `/usr/local/${file}`])).status }).toEqual({ file, status: 0 });
  }
  // A manual page that is not there is no fault of the unit's.
  const { stderr } = await room.run(["systemd-analyze", "verify", "--man=no", "wherry@-srv-shop.yaml.service"]);
  expect(stderr.split("\n").filter((line) => line.includes("wherry"))).toEqual([]);
});

scenario("an enabled service starts again at the next boot, disable undoes it", async (room) => {
  await room.write("/srv/boot.yaml", podText("boot", { grace: 1 }));
  await room.ok(["enable", "/srv/boot.yaml"]);
  const unit = unitOf("/srv/boot.yaml");
  expect(await property(room, unit, "ActiveState")).toBe("active");
  const before = (await pod(room, "boot")).metadata.uid;
  await room.reboot();
  await systemctl(room, "is-active", unit);
  const after = await pod(room, "boot");
  expect(after.status.phase).toBe("Running");
  expect(after.metadata.uid).not.toBe(before);
  await room.ok(["disable", "/srv/boot.yaml"]);
  expect(await property(room, unit, "ActiveState")).toBe("inactive");
  await room.reboot();
  expect(await pods(room)).toEqual([]);
}, { timeout: 120_000 });

scenario("what was played by hand is not running after a boot, and play runs it again", async (room) => {
  await room.write("/srv/hand.yaml", podText("hand", { grace: 1 }));
  await room.ok(["play", "/srv/hand.yaml"]);
  await room.reboot();
  expect(await pods(room)).toEqual([]);
  await room.ok(["play", "/srv/hand.yaml"]);
  expect((await pod(room, "hand")).status.phase).toBe("Running");
}, { timeout: 120_000 });

/** More than start at once; an emulated machine takes a quarter of a minute for each. */
const CROWD = PACE > 1 ? 10 : 30;

scenario(`${CROWD} services that start at one boot take turns, and all come up, those that wait for others too`, async (room) => {
  const files = Array.from({ length: CROWD }, (_, index) => `/srv/many${index}.yaml`);
  for (const [index, file] of files.entries()) await room.write(file, podText(`many${index}`, { grace: 1 }));
  for (const file of files) await room.ok(["enable", "--no-start", file]);
  // The first one starts after the last, whose readiness it waits for.
  const [first = "", last = ""] = [files[0], files.at(-1)].map((file) => unitOf(file ?? ""));
  await room.write(`/etc/systemd/system/${first}.d/after.conf`, `[Unit]\nAfter=${last}\nRequires=${last}\n`);
  await room.reboot();
  for (const file of files) await systemctl(room, "is-active", unitOf(file));
  const begun = (name: string): Promise<number> => pod(room, name).then(({ status }) => Date.parse(status.startTime ?? ""));
  expect(await begun("many0")).toBeGreaterThanOrEqual(await begun(`many${CROWD - 1}`));
  for (const file of files) await room.ok(["disable", file]);
}, { timeout: 300_000 });

scenario("shutdown of the machine honours the pods' grace periods", async (room) => {
  await room.write("/srv/grace.yaml", podText("grace", { grace: 20, script: "trap 'sleep 1; echo ended >/data/said; exit 0' TERM; sleep 100000 & wait", container: "volumeMounts: [{name: data, mountPath: /data}]", spec: "volumes: [{name: data, hostPath: {path: /srv/data, type: DirectoryOrCreate}}]" }));
  await systemctl(room, "start", unitOf("/srv/grace.yaml"));
  await room.reboot();
  expect((await room.run(["cat", "/srv/data/said"])).stdout).toBe("ended\n");
}, { timeout: 120_000 });

scenario("the user unit runs in root's own user manager", async (room) => {
  const unit = unitOf("/srv/user.yaml");
  const env = { XDG_RUNTIME_DIR: "/run/user/0" };
  await systemctl(room, "start", "user@0.service");
  await room.write("/srv/user.yaml", podText("user", { grace: 1 }));
  const user = (...words: string[]) => room.run(["systemctl", "--user", ...words], { env, timeout: 60_000 });
  expect(await user("start", unit)).toMatchObject({ status: 0 });
  expect((await user("is-active", unit)).stdout).toBe("active\n");
  expect((await pod(room, "user")).status.phase).toBe("Running");
  expect(await user("stop", unit)).toMatchObject({ status: 0 });
  await eventually(async () => expect(await pods(room)).toEqual([]), { within: 5_000 });
  await systemctl(room, "stop", "user@0.service");
}, { timeout: 120_000 });
