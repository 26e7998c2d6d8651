import { expect, test } from "bun:test";
import { intoManager, scopeArgv, scopeOf } from "./scope.ts";

test("scopeOf() names the scope and its cgroup below the manager that is asked", () => {
  expect(scopeOf("shop", { uid: 0, tag: "a1" })).toEqual({ unit: "wherry-shop-a1.scope", cgroup: "/system.slice/wherry-shop-a1.scope", user: false });
  expect(scopeOf("shop", { uid: 1000, tag: "a1" }).cgroup).toBe("/user.slice/user-1000.slice/user@1000.service/app.slice/wherry-shop-a1.scope");
});

test("scopeArgv() asks the user's manager, and puts what it starts into the leaf", () => {
  const argv = scopeArgv(scopeOf("shop", { uid: 1000, tag: "a1" }), { uid: 1000, leaf: "/sys/fs/cgroup/x/wherry", after: "other.scope" });
  expect(argv.slice(0, 4)).toEqual(["env", "XDG_RUNTIME_DIR=/run/user/1000", "systemd-run", "--user"]);
  expect(argv).toContain("--property=Delegate=yes");
  expect(argv).toContain("--property=After=other.scope");
  expect(argv.at(-1)).toBe("/sys/fs/cgroup/x/wherry");
});

test("intoManager() leads a login to the user's manager, and leaves root and what is there already alone", () => {
  const login = "/user.slice/user-1000.slice/session-3.scope";
  const words = ["env", "XDG_RUNTIME_DIR=/run/user/1000", "systemd-run", "--user", "--scope", "--quiet", "--collect", "--"];
  expect(intoManager({ uid: 1000, cgroup: login, runtime: undefined })).toEqual(words);
  expect(intoManager({ uid: 1000, cgroup: login, runtime: "/run/user/1000" })).toEqual(words);
  expect(intoManager({ uid: 1000, cgroup: login, runtime: "/tmp/x" })).toEqual([...words, "env", "XDG_RUNTIME_DIR=/tmp/x"]);
  expect(intoManager({ uid: 1000, cgroup: "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", runtime: undefined })).toEqual([]);
  expect(intoManager({ uid: 0, cgroup: login, runtime: undefined })).toEqual([]);
});
