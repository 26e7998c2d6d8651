import { describe, expect, test } from "bun:test";
import { doctorText } from "../commands/doctor.ts";
import type { Facts, Finding } from "./facts.ts";
import { findingsOf, summary } from "./findings.ts";
import { ALICE, place, program, ROOT } from "./fixtures.ts";
import { gatherFacts } from "./gather.ts";
import { atLeast } from "./kernel.ts";
import { mountOf } from "./mountTable.ts";

const without = (name: string): Facts["programs"] => Object.fromEntries(Object.entries(ALICE.programs).filter(([each]) => each !== name));
const WITH_FUSE: Facts["programs"] = { ...ALICE.programs, "fuse-overlayfs": program("/usr/bin/fuse-overlayfs") };
const troubles = (facts: Facts): readonly Finding[] => findingsOf(facts).filter(({ level }) => level !== "ok");

describe("findingsOf()", () => {
  test("finds nothing on a host that has everything, for root and for a user", () => {
    expect(troubles(ALICE)).toEqual([]);
    expect(troubles(ROOT)).toEqual([]);
  });

  test("asks an ordinary user's host for what only a user needs", () => {
    const [user, root] = [ALICE, ROOT].map((facts) => findingsOf(facts).map(({ about }) => about));
    expect(user?.filter((about) => root?.includes(about) !== true)).toEqual(["user namespaces", "/dev/net/tun", "host ports", "subordinate ids", "user manager", "lingering", "stop timeout", "nft", "pasta", "unshare", "setsid", "newuidmap", "newgidmap"]);
    expect(root?.filter((about) => user?.includes(about) !== true)).toEqual(["idmapped mounts", "net.ipv4.ip_forward", "netavark", "iptables", "systemd-creds"]);
  });

  /** What is changed of ALICE's host → about, level, a part of what is, and the first command. */
  const rows: readonly (readonly [Partial<Facts>, string, Finding["level"], string, string])[] = [
    [{ sysctls: {} }, "user namespaces", "missing", "CONFIG_USER_NS", "sudo apt-get install linux-image-amd64"],
    [{ sysctls: { "user.max_user_namespaces": "0" } }, "user namespaces", "missing", "user.max_user_namespaces is 0", "echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/90-user-max_user_namespaces.conf && sudo sysctl -p /etc/sysctl.d/90-user-max_user_namespaces.conf"],
    [{ sysctls: { ...ALICE.sysctls, "kernel.unprivileged_userns_clone": "0" } }, "user namespaces", "missing", "kernel.unprivileged_userns_clone is 0", "echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/90-kernel-unprivileged_userns_clone.conf && sudo sysctl -p /etc/sysctl.d/90-kernel-unprivileged_userns_clone.conf"],
    [{ sysctls: { ...ALICE.sysctls, "kernel.apparmor_restrict_unprivileged_userns": "1" } }, "user namespaces", "missing", "AppArmor", "echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee /etc/sysctl.d/90-kernel-apparmor_restrict_unprivileged_userns.conf && sudo sysctl -p /etc/sysctl.d/90-kernel-apparmor_restrict_unprivileged_userns.conf"],
    [{ filesystems: ["ext4"] }, "overlay filesystem", "missing", "no module for it; fuse-overlayfs, which can stand in, is not installed", "sudo apt-get install fuse-overlayfs"],
    [{ filesystems: ["ext4"], programs: WITH_FUSE }, "overlay filesystem", "warning", "by fuse-overlayfs, as the kernel has no overlay", "sudo modprobe overlay"],
    [{ kernel: "5.10.0-26-amd64" }, "overlay filesystem", "missing", "5.11", "sudo apt-get install fuse-overlayfs"],
    [{ kernel: "5.10.0-26-amd64", programs: WITH_FUSE }, "overlay filesystem", "warning", "by fuse-overlayfs, as Linux 5.10.0-26-amd64 lets only root", "sudo apt-get install linux-image-amd64"],
    [{ kernel: "5.10.0-26-amd64", programs: WITH_FUSE, fuseDevice: false }, "overlay filesystem", "missing", "/dev/fuse is not there", "sudo chmod 0666 /dev/fuse"],
    [{ tunDevice: false }, "/dev/net/tun", "warning", "not there", "sudo modprobe tun"],
    [{ openFiles: 1024 }, "open files", "warning", "1024 at most", "sudo mkdir -p /etc/systemd/system/user@.service.d"],
    [{ subordinate: { uid: "", gid: "" } }, "subordinate ids", "missing", '/etc/subuid gives user "alice" none', "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice"],
    [{ subordinate: { uid: "alice:100000:65536\n", gid: "" } }, "subordinate ids", "missing", "/etc/subgid", "sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice"],
    [{ subordinate: { uid: "alice:100000:1000\n", gid: "alice:100000:1000\n" } }, "subordinate ids", "warning", "1000: ", "sudo usermod --add-subuids 101000-166535 --add-subgids 101000-166535 alice"],
    [{ systemd: false }, "systemd", "warning", "not started by it", "sudo apt-get install systemd-sysv"],
    [{ userManager: false }, "user manager", "missing", "no service manager", "sudo loginctl enable-linger alice"],
    [{ lingering: false }, "lingering", "warning", "none starts at boot", "sudo loginctl enable-linger alice"],
    [{ stopTimeout: 120 }, "stop timeout", "warning", 'grace period above 110 s may lose', "sudo systemctl daemon-reload"],
    [{ cgroups: { version: "v1", hybrid: true, available: ["cpu"], delegated: ["cpu"] } }, "cgroups", "missing", "hybrid", `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX systemd.unified_cgroup_hierarchy=1"' | sudo tee /etc/default/grub.d/systemd.unified_cgroup_hierarchy-1.cfg`],
    [{ cgroups: { ...ALICE.cgroups, delegated: ["memory", "pids"] } }, "cgroup cpu", "warning", 'not handed to user "alice"', "sudo mkdir -p /etc/systemd/system/user@.service.d"],
    [{ cgroups: { ...ALICE.cgroups, available: ["cpu", "pids"], delegated: ["cpu", "pids"] } }, "cgroup memory", "warning", "the kernel offers no such", `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX cgroup_enable=memory"' | sudo tee /etc/default/grub.d/cgroup_enable-memory.cfg`],
    [{ runtime: place("/run/user/1000/wherry", { existing: "/run/user", uid: 0, writable: false }) }, "runtime directory", "missing", "/run/user/1000 does not exist", "sudo loginctl enable-linger alice"],
    [{ runtime: place("/srv/alice/run", { existing: "/srv", uid: 0, writable: false }) }, "runtime directory", "missing", "/srv/alice does not exist", "mkdir -p -m 0700 /srv/alice"],
    [{ runtime: place("/run/user/1000/wherry", { uid: 1001 }) }, "runtime directory", "missing", "own", "export XDG_RUNTIME_DIR=/run/user/$(id -u)"],
    [{ runtime: place("/tmp/run") }, "runtime directory", "warning", "which a boot does not empty", "export XDG_RUNTIME_DIR=/run/user/$(id -u)"],
    [{ runtime: place("/run/user/1000/wherry", { type: "tmpfs", free: 1000 }) }, "room at run time", "warning", "1kB are free", "sudo mount -o remount,size=25% /run/user/1000"],
    [{ durable: place("/home/alice/.local/share/wherry", { type: "nfs4" }) }, "store", "missing", "other machines share", "sudo install -d -m 0700 -o alice /var/local/wherry-alice"],
    [{ durable: place("/home/alice", { type: "overlay" }) }, "overlay filesystem", "missing", "is on overlay", "sudo apt-get install fuse-overlayfs"],
    [{ durable: place("/home/alice", { type: "overlay" }), programs: WITH_FUSE }, "overlay filesystem", "warning", "by fuse-overlayfs, as /home/alice is on overlay", "sudo install -d -m 0700 -o alice /var/local/wherry-alice"],
    [{ durable: place("/media/stick", { type: "vfat" }) }, "store", "missing", "keeps no owners", "sudo install -d -m 0700 -o alice /var/local/wherry-alice"],
    [{ durable: place("/home/alice", { options: ["ro"] }) }, "store", "missing", "cannot be written", "sudo install -d -m 0700 -o alice /var/local/wherry-alice"],
    [{ durable: place("/home/alice", { options: ["rw", "noexec"] }) }, "store", "warning", "noexec", "sudo install -d -m 0700 -o alice /var/local/wherry-alice"],
    [{ durable: place("/home/alice", { free: 5000 }) }, "room of the store", "warning", "5kB are free", "wherry image prune --all"],
    [{ policy: undefined }, "signature policy", "missing", "no policy.json", "sudo apt-get install golang-github-containers-common"],
    [{ seccompProfile: undefined }, "seccomp profile", "warning", "none", "sudo apt-get install golang-github-containers-common"],
    [{ programs: without("crun") }, "crun or runc", "missing", "not installed", "sudo apt-get install crun"],
    [{ programs: without("pasta") }, "pasta or slirp4netns", "missing", "not installed", "sudo apt-get install passt"],
    [{ programs: without("newuidmap") }, "newuidmap", "missing", "not installed", "sudo apt-get install uidmap"],
    [{ programs: { ...ALICE.programs, newuidmap: { path: "/usr/bin/newuidmap", setuid: false, capabilities: false } } }, "newuidmap", "missing", "neither the setuid bit", "sudo chmod u+s /usr/bin/newuidmap"],
    [{ programs: without("catatonit") }, "catatonit", "warning", "is needed for shareProcessNamespace", "sudo apt-get install catatonit"],
  ];

  for (const [change, about, level, is, command] of rows) {
    test(`says of ${JSON.stringify(change).slice(0, 90)} that ${about} is ${level}`, () => {
      expect(troubles({ ...ALICE, ...change })).toEqual([{ about, level, is: expect.stringContaining(is), mend: expect.arrayContaining([command]) }]);
    });
  }

  test("root's store must not be on overlay, whatever is installed: nothing stands in for root", () => {
    expect(troubles({ ...ROOT, durable: place("/var/lib/wherry", { uid: 0, type: "overlay" }), programs: WITH_FUSE }).map(({ about, level }) => [about, level])).toEqual([["store", "missing"]]);
  });

  test("takes runc for crun, slirp4netns for pasta, and file capabilities for the setuid bit", () => {
    const programs = { ...without("crun"), runc: program("/usr/sbin/runc"), slirp4netns: program("/usr/bin/slirp4netns"), newuidmap: { path: "/usr/bin/newuidmap", setuid: false, capabilities: true } };
    expect(troubles({ ...ALICE, programs })).toEqual([]);
  });

  test("no_new_privs takes the rights of both programs away", () => {
    expect(troubles({ ...ALICE, noNewPrivileges: true }).map(({ about }) => about)).toEqual(["newuidmap", "newgidmap"]);
  });

  test("root's commands have no sudo, and cgroup v1 is enough for root", () => {
    const commands = troubles({ ...ROOT, programs: {}, policy: undefined, openFiles: 1, filesystems: [], cgroups: { version: "v1", hybrid: true, available: [], delegated: [] } }).flatMap(({ mend }) => mend);
    expect(commands).toContain("apt-get install skopeo");
    expect(commands.filter((command) => command.includes("sudo"))).toEqual([]);
  });

  test("has commands for everything that is not as it should be", () => {
    const worst = rows.flatMap(([change]) => troubles({ ...ALICE, ...change }));
    expect(worst.filter(({ mend }) => mend.length === 0)).toEqual([]);
  });
});

test("gatherFacts() reads this host and makes nothing", () => {
  const facts = gatherFacts({ durable: "/nonexistent/lib", runtime: "/nonexistent/run", logs: "/nonexistent/logs", self: [] }, { uid: process.getuid?.() ?? 0, home: "/nonexistent" });
  expect(facts.durable.existing).toBe("/");
  expect(facts.programs["nsenter"]?.path).toContain("/nsenter");
  expect(facts.filesystems).toContain("proc");
  expect(findingsOf(facts).length).toBeGreaterThan(20);
});

test("mountOf() takes the nearest mount point, the last of several, and reads escaped names", () => {
  const table = ["1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw", "2 1 0:5 / /home rw,noexec - nfs4 server:/home rw,vers=4", "3 1 0:6 / /home ro - tmpfs tmpfs rw", "4 1 0:7 / /mnt/a\\040b rw - xfs /dev/sdb ro"].join("\n");
  expect(mountOf(table, "/homes")?.type).toBe("ext4");
  expect(mountOf(table, "/home/alice")).toEqual({ point: "/home", type: "tmpfs", options: ["ro", "rw"] });
  expect(mountOf(table, "/mnt/a b/c")).toEqual({ point: "/mnt/a b", type: "xfs", options: ["rw", "ro"] });
});

test("atLeast() compares versions as numbers", () => {
  expect(atLeast("5.9.1", [5, 11])).toBe(false);
  expect(atLeast("5.11.0-rc1", [5, 11])).toBe(true);
  expect(atLeast("10.0", [6, 18])).toBe(true);
});

test("doctorText() puts commands below what they mend, coloured on request, and sums up", () => {
  const findings: readonly Finding[] = [{ about: "crun", level: "ok", is: "/usr/bin/crun", mend: [] }, { about: "lingering", level: "warning", is: "off", mend: ["sudo loginctl enable-linger alice"] }];
  expect(doctorText(findings, { all: findings, colour: false })).toBe("ok       crun       /usr/bin/crun\nwarning  lingering  off\n           sudo loginctl enable-linger alice\n\nnothing is missing, 1 warning");
  expect(doctorText(findings, { all: findings, colour: true })).toContain("\x1b[33mwarning\x1b[0m  lingering");
  expect(summary([])).toBe("nothing is missing");
});
