import { expect, test } from "bun:test";
import { isSystemdRunning } from "./host.ts";
import { systemctl, systemctlArgv, unitNameOf } from "./units.ts";

test.each([
  ["/srv/shop.yaml", "wherry@-srv-shop.yaml.service"],
  ["/srv//./shop.yaml", "wherry@-srv-shop.yaml.service"],
  ["/home/u/my shop.yaml", "wherry@-home-u-my\\x20shop.yaml.service"],
])("unitNameOf() of %s is %s", (file, name) => {
  expect(unitNameOf(file)).toBe(name);
});

test("unitNameOf() refuses a relative path and one that makes too long a name", () => {
  expect(() => unitNameOf("shop.yaml")).toThrow("it should be absolute");
  expect(unitNameOf(`/${"x".repeat(239)}`)).toHaveLength(255);
  expect(() => unitNameOf(`/${"x".repeat(240)}`)).toThrow("the name would have 256 characters, it should have at most 255");
});

test("systemctlArgv() names the manager", () => {
  expect(systemctlArgv(["stop", "a.service"], { user: false })).toEqual(["systemctl", "--no-pager", "--no-ask-password", "stop", "a.service"]);
  expect(systemctlArgv(["stop", "a.service"], { user: true })).toEqual(["systemctl", "--user", "--no-pager", "--no-ask-password", "stop", "a.service"]);
});

test.skipIf(isSystemdRunning())("systemctl() says that systemd does not run", async () => {
  await expect(systemctl(["daemon-reload"], { user: false })).rejects.toMatchObject({ kind: "unavailable" });
});
