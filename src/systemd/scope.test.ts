import { expect, test } from "bun:test";
import { intoManager, scopeArgv, scopeOf } from "./scope.ts";

test("scopeOf() names the scope and its cgroup below the manager that is asked", () => {
  expect(scopeOf("shop", { uid: 0, tag: "a1" })).toEqual({ unit: "wherry-shop-a1.scope", cgroup: "/system.slice/wherry-shop-a1.scope", user: false });
  expect(scopeOf("shop", { uid: 1000, tag: "a1" }).cgroup).toBe("/user.slice/user-1000.slice/user@1000.service/app.slice/app-wherry.slice/wherry-shop-a1.scope");
});

test("scopeArgv() asks the user's manager, and puts what it starts into the leaf", () => {
  const { argv, env } = scopeArgv(scopeOf("shop", { uid: 1000, tag: "a1" }), { uid: 1000, leaf: "/sys/fs/cgroup/x/wherry" });
  expect(argv.slice(0, 2)).toEqual(["systemd-run", "--user"]);
  expect(env).toEqual({ XDG_RUNTIME_DIR: "/run/user/1000" });
  expect(argv).toContain("--property=Delegate=yes");
  expect(argv).toContain("--slice=app-wherry.slice");
  expect(argv.at(-1)).toBe("/sys/fs/cgroup/x/wherry");
});

test("intoManager() leads a login to the user's manager, and leaves root and what is there already alone", () => {
  const login = "0::/user.slice/user-1000.slice/session-3.scope\n";
  const words = ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--"];
  expect(intoManager({ uid: 1000, procCgroup: login, runtime: undefined })).toEqual(words);
  expect(intoManager({ uid: 1000, procCgroup: login, runtime: "/run/user/1000" })).toEqual(words);
  expect(intoManager({ uid: 1000, procCgroup: login, runtime: "/tmp/x" })).toEqual([...words, "env", "XDG_RUNTIME_DIR=/tmp/x"]);
  expect(intoManager({ uid: 1000, procCgroup: "1:name=systemd:/\n0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n", runtime: undefined })).toEqual([]);
  expect(intoManager({ uid: 0, procCgroup: login, runtime: undefined })).toEqual([]);
});
