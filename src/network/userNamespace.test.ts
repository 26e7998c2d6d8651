import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { exec } from "../base/exec.ts";
import { pinsIn } from "./leftovers.ts";
import { namespacesStand, removeNamespaces } from "./namespaces.ts";
import { makeUserNamespaces } from "./userNamespace.ts";

const FIRST = 0x70000000;

describe.skipIf(process.getuid?.() !== 0)("makeUserNamespaces (needs root)", () => {
  const directory = mkdtempSync(`${tmpdir()}/wherry-users-`);
  const files = { user: `${directory}/userns`, network: `${directory}/netns`, ipc: `${directory}/ipcns`, uts: `${directory}/utsns` };
  const ids = { first: FIRST, count: 65_536 };
  const make = (hostname = "web-0"): Promise<void> => makeUserNamespaces({ files, hostname, ids });
  const within = async (script: string): Promise<string> =>
    (await exec(["nsenter", `--user=${files.user}`, `--net=${files.network}`, `--ipc=${files.ipc}`, `--uts=${files.uts}`, "sh", "-c", script])).stdout.trim();
  const ownNamespaces = (): string[] => readdirSync("/proc/self/task").flatMap((task) => ["user", "net", "ipc", "uts"].map((kind) => readlinkSync(`/proc/self/task/${task}/ns/${kind}`)));
  afterEach(() => removeNamespaces(files));
  afterAll(() => rmSync(directory, { recursive: true }));

  test("makeUserNamespaces() maps the ids, and its root is that of the others", async () => {
    await make();
    expect(namespacesStand(files)).toBe(true);
    expect(await within("cat /proc/self/uid_map /proc/self/gid_map; id -u; cat /proc/self/setgroups")).toMatch(new RegExp(`^0 +${FIRST} +65536\\s+0 +${FIRST} +65536\n0\nallow$`));
    expect(await within("hostname; hostname other && hostname; ip link set lo mtu 1400 && busybox ping -c1 -W1 127.0.0.1 | grep received")).toMatch(/^web-0\nother\n1 packets transmitted, 1 packets received/);
  });

  test("makeUserNamespaces() brings every thread of this process home, and leaves no process", async () => {
    const before = new Set(ownNamespaces());
    for (let round = 0; round < 5; round += 1) await make();
    expect(new Set(ownNamespaces())).toEqual(before);
  });

  test("makeUserNamespaces() leaves nothing when it fails", async () => {
    const requests = [{ hostname: "x".repeat(65) }, { files: { ...files, ipc: `${directory}/missing/ipcns` } }, { ids: { first: -1, count: 1 } }];
    for (const request of requests) {
      expect(await makeUserNamespaces({ files, hostname: "web", ids, ...request }).then(() => "made", () => "failed")).toBe("failed");
      expect(readdirSync(directory)).toEqual([]);
      expect(pinsIn(readFileSync("/proc/self/mountinfo", "utf8"), directory)).toEqual([]);
    }
  });

  test("makeUserNamespaces() makes a user namespace alone, too", async () => {
    await makeUserNamespaces({ files: { user: files.user }, hostname: "", ids });
    expect(readdirSync(directory)).toEqual(["userns"]);
  });
});
