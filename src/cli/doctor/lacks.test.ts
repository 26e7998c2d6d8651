import { describe, expect, test } from "bun:test";
import { WherryError } from "../../base/errors.ts";
import { gatherFacts } from "./gather.ts";
import type { Facts } from "./facts.ts";
import { ALICE, place, ROOT } from "./fixtures.ts";
import { hostLacks, namespaceLacks, requireCgroups, requireNamespaces } from "./lacks.ts";

function thrown(action: () => void): WherryError {
  try {
    action();
  } catch (error) {
    if (error instanceof WherryError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("requireNamespaces()", () => {
  test("lets a user in who lacks nothing, whatever only pods would miss", () => {
    requireNamespaces(ALICE);
    requireNamespaces({ ...ALICE, lingering: false, programs: Object.fromEntries(Object.entries(ALICE.programs).filter(([name]) => name !== "skopeo")), tunDevice: false });
  });

  test("says all that is in the way at once, with every command", () => {
    const error = thrown(() => requireNamespaces({ ...ALICE, sysctls: { "user.max_user_namespaces": "0" }, subordinate: { uid: "", gid: "" }, programs: {} }));
    expect(error).toMatchObject({ kind: "unavailable", code: "EROOTLESS" });
    expect(error.message).toStartWith('Cannot run pods as user "alice": user namespaces: switched off: user.max_user_namespaces is 0; subordinate ids: /etc/subuid gives user "alice" none, it should give 65536; ');
    for (const command of ["sudo tee /etc/sysctl.d/90-user-max_user_namespaces.conf", "sudo usermod --add-subuids", "sudo apt-get install uidmap", "sudo apt-get install util-linux"]) expect(error.hint).toContain(command);
  });

  const rows: readonly (readonly [Partial<Facts>, string])[] = [
    [{ subordinate: { uid: "", gid: "" } }, "subordinate ids"],
    [{ programs: Object.fromEntries(Object.entries(ALICE.programs).filter(([name]) => name !== "newuidmap")) }, "newuidmap"],
    [{ sysctls: { ...ALICE.sysctls, "kernel.unprivileged_userns_clone": "0" } }, "user namespaces"],
    [{ runtime: place("/run/user/1000/wherry", { existing: "/run/user" }) }, "runtime directory"],
    [{ durable: place("/home/alice", { type: "nfs4" }) }, "store"],
    [{ durable: place("/home/alice", { type: "overlay" }) }, "overlay filesystem"],
    [{ kernel: "5.10.0" }, "overlay filesystem"],
  ];
  for (const [change, about] of rows) {
    test(`refuses for want of ${about}`, () => expect(namespaceLacks({ ...ALICE, ...change }).map((each) => each.about)).toEqual([about]));
  }

  test("a noexec home is in nobody's way: what runs comes from an overlay", () => requireNamespaces({ ...ALICE, durable: place("/home/alice", { options: ["noexec"] }) }));
});

test("requireCgroups() asks for v2 and for the user's manager", () => {
  requireCgroups(ALICE);
  expect(thrown(() => requireCgroups({ ...ALICE, userManager: false }))).toMatchObject({ code: "ENOCGROUP", hint: expect.stringContaining("sudo loginctl enable-linger alice") });
  expect(thrown(() => requireCgroups({ ...ALICE, cgroups: { version: "v1", hybrid: false, available: [], delegated: [] } })).hint).toContain("systemd.unified_cgroup_hierarchy=1");
});

describe("hostLacks()", () => {
  test("of a user: the first host port, how many ids, parameters of the kernel, controllers that were not handed down", () => {
    expect(hostLacks(ALICE)).toMatchObject({ user: { name: "alice", firstPort: 1024, ids: 65537, sysctls: [], grace: { stopTimeout: 900, longest: 890 } }, controllers: { hugetlb: 'this host has no cgroup controller "hugetlb"' } });
    expect(hostLacks({ ...ALICE, kernel: "5.15.0" }).user?.sysctls).toEqual(["kernel.", "fs.mqueue."]);
    expect(hostLacks({ ...ALICE, cgroups: { ...ALICE.cgroups, delegated: ["pids"] } }).controllers["cpu"]).toBe('cgroup controller "cpu" is not handed to user "alice" ("wherry doctor" has the command)');
  });

  test("of root: nothing but controllers", () => {
    expect(hostLacks({ ...ROOT, cgroups: { ...ROOT.cgroups, delegated: ROOT.cgroups.available } }).user).toBeUndefined();
  });

  test("of this host it can be gathered", () => {
    const facts = gatherFacts({ durable: "/", runtime: "/", logs: "/", self: [] }, { uid: 65_432, home: "/" });
    expect(hostLacks(facts).user).toMatchObject({ name: "65432", ids: 1 });
  });
});
