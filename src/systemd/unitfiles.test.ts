import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unitNameOf } from "./units.ts";

const UNITS = join(import.meta.dir, "../../units");
const FILES = [["wherry@.service", "--system"], ["user/wherry@.service", "--user"]] as const;

/** The words that `key` of a unit file gives, one list a line. */
const valuesOf = (text: string, key: string): readonly string[] =>
  text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));

test.each(FILES)("units/%s runs the commands of the command line", (file) => {
  const text = readFileSync(join(UNITS, file), "utf8");
  expect(["ExecStart", "ExecReload", "ExecStop", "ExecStopPost"].map((key) => valuesOf(text, key))).toEqual([
    [":/usr/local/bin/wherry play --unit=%n %I"],
    [":/usr/local/bin/wherry play --unit=%n %I"],
    [":/usr/local/bin/wherry down --unit=%n %I"],
    [":/usr/local/bin/wherry down --unit=%n --stop-post %I"],
  ]);
});

test.skipIf(Bun.which("systemd-analyze") === null).each(FILES)("units/%s is understood by systemd (systemd-analyze verify %s, when it is installed)", (file, manager) => {
  const directory = mkdtempSync(join(tmpdir(), "wherry-units-"));
  try {
    // Neither the program nor its manual need be installed for this test.
    const text = readFileSync(join(UNITS, file), "utf8").replaceAll("/usr/local/bin/wherry", "/bin/true").replace(/^Documentation=.*$/m, "");
    const instances = ["/srv/shop.yaml", "/srv/a b$x.yaml"].map((path) => join(directory, unitNameOf(path)));
    for (const path of instances) writeFileSync(path, text);
    const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", manager, "verify", ...instances], { env: { XDG_RUNTIME_DIR: directory, HOME: directory, PATH: "/usr/bin:/bin" } });
    expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
