import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isJournalRunning, isSystemdRunning, unitOfProcess, type ProcessUnit } from "./host.ts";

const UNIT = "wherry@-srv-shop.yaml.service";
const SYSTEM = { unit: UNIT, cgroup: `/system.slice/system-wherry.slice/${UNIT}`, user: false };
const USER = { unit: UNIT, cgroup: `/user.slice/user-1000.slice/user@1000.service/app.slice/app-wherry.slice/${UNIT}`, user: true };
const HYBRID = (path: string): string => `9:name=systemd:${path}\n8:pids:${path}\n4:memory:/elsewhere.service\n0::/\n`;

const TABLE: readonly (readonly [title: string, text: string, expected: ProcessUnit | undefined])[] = [
  ["v2, the unit itself", `0::${SYSTEM.cgroup}\n`, SYSTEM],
  ["v2, below the unit", `0::${SYSTEM.cgroup}/wherry\n`, SYSTEM],
  ["v2, a control process", `0::${SYSTEM.cgroup}/.control\n`, SYSTEM],
  ["v2, a container that runs a systemd", `0::${SYSTEM.cgroup}/pod/id/system.slice/inner.service\n`, SYSTEM],
  ["v2, a user's unit", `0::${USER.cgroup}/wherry\n`, USER],
  ["v2, a user's manager itself", "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", { unit: "init.scope", cgroup: "/user.slice/user-1000.slice/user@1000.service/init.scope", user: true }],
  ["v2, a login", "0::/user.slice/user-0.slice/session-3.scope\n", { unit: "session-3.scope", cgroup: "/user.slice/user-0.slice/session-3.scope", user: false }],
  ["v2, a path with colons", "0::/system.slice/wherry@a:b.service\n", { unit: "wherry@a:b.service", cgroup: "/system.slice/wherry@a:b.service", user: false }],
  ["v2, a name that systemd had to escape", "0::/system.slice/_cpu.service\n", { unit: "cpu.service", cgroup: "/system.slice/_cpu.service", user: false }],
  ["hybrid", HYBRID(`${SYSTEM.cgroup}/wherry`), SYSTEM],
  ["v2 inside a container of a v1 host", `9:name=systemd:/\n0::${SYSTEM.cgroup}\n`, SYSTEM],
  ["hybrid, no unit", HYBRID("/"), undefined],
  ["v2, the root", "0::/\n", undefined],
  ["v2, a slice alone", "0::/system.slice\n", undefined],
  ["v2, played by hand without systemd", "0::/wherry/shop/wherry\n", undefined],
  ["v1 without systemd", "4:memory:/x.service\n", undefined],
  ["nothing", "", undefined],
];

test.each(TABLE)("unitOfProcess() of %s", (_, text, expected) => {
  expect(unitOfProcess(text)).toEqual(expected);
});

test("isSystemdRunning() and isJournalRunning() look for what systemd makes at boot", () => {
  const root = mkdtempSync(join(tmpdir(), "wherry-systemd-"));
  try {
    expect([isSystemdRunning(root), isJournalRunning(root)]).toEqual([false, false]);
    mkdirSync(join(root, "run/systemd/system"), { recursive: true });
    expect([isSystemdRunning(root), isJournalRunning(root)]).toEqual([true, false]);
    mkdirSync(join(root, "run/systemd/journal"));
    writeFileSync(join(root, "run/systemd/journal/socket"), "");
    expect(isJournalRunning(root)).toBe(true);
  } finally {
    rmSync(root, { recursive: true });
  }
});
