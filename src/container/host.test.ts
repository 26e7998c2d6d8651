import { expect, test } from "bun:test";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { scratch } from "../storage/fixtures.ts";
import { appArmorProfiles } from "./host.ts";

test("appArmorProfiles() reads the names of a list, and takes one that it may not read for empty", async () => {
  using at = scratch();
  const list = `${at.path}/profiles`;
  writeFileSync(list, "docker-default (enforce)\n/usr/bin/man (complain)\n");
  expect(appArmorProfiles(list)).toEqual(["docker-default", "/usr/bin/man"]);
  expect(appArmorProfiles(`${at.path}/none`)).toEqual([]);
  if (process.getuid?.() !== 0) return;
  chownSync(list, 65534, 65534);
  chmodSync(list, 0o600);
  const script = `process.stdout.write(JSON.stringify(require("${import.meta.dir}/host.ts").appArmorProfiles("${list}")))`;
  expect((await exec(["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--", process.execPath, "-e", script])).stdout).toBe("[]");
});
