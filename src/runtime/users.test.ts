import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { busyConfig } from "./real.ts";
import type { OciConfig } from "./oci.ts";
import { fitMappings, giveStreams, raisingLimits } from "./users.ts";

const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const plain = busyConfig(["true"], "/c");
const withUsers = (path?: string): OciConfig =>
  ({ ...plain, linux: { ...plain.linux, namespaces: [{ type: "user", ...(path === undefined ? {} : { path }) }], uidMappings: mappings, gidMappings: mappings } });

test("fitMappings() tells crun no mappings of a namespace that exists, and runc all", () => {
  const { uidMappings: _uids, gidMappings: _gids, ...linux } = withUsers("/u").linux;
  expect(fitMappings(withUsers("/u"), { runtime: "/usr/bin/crun" }).linux).toEqual(linux);
  for (const [config, runtime] of [[withUsers("/u"), "/usr/sbin/runc"], [withUsers(), "/usr/bin/crun"], [plain, "/usr/bin/crun"]] as const) expect(fitMappings(config, { runtime })).toBe(config);
});

test.skipIf(process.getuid?.() !== 0)("giveStreams() gives pipes to the user of the container, and no device (needs root)", async () => {
  await using child = Bun.spawn(["sleep", "1000"], { stdin: "ignore", stdout: "ignore", stderr: Bun.file("/dev/null") });
  const pipes = Bun.spawn(["sh", "-c", `cat | sleep 1000 & echo; wait`], { stdin: "ignore", stdout: "pipe" });
  await pipes.stdout.getReader().read();
  const [reader] = (await new Response(Bun.spawn(["pgrep", "-P", String(pipes.pid)]).stdout).text()).trim().split("\n").map(Number);
  const config = withUsers("/u");
  for (const pid of [child.pid, reader ?? 0]) giveStreams(pid, { ...config, process: { ...config.process, user: { uid: 5, gid: 6 } } });
  expect(statSync("/dev/null").uid).toBe(0);
  const piped = [0, 1, 2].map((fd) => `/proc/${reader}/fd/${fd}`).filter((path) => existsSync(path) && statSync(path).isFIFO());
  expect(piped.map((path) => [statSync(path).uid, statSync(path).gid])).toEqual(piped.map(() => [100_005, 100_006]));
  expect(piped).not.toEqual([]);
  expect(readFileSync(`/proc/${child.pid}/comm`, "utf8")).toBe("sleep\n");
  giveStreams(child.pid, plain);
  pipes.kill();
  process.kill(reader ?? 0, "SIGKILL");
});

test("raisingLimits() raises the limits of who enters a user namespace, where that may be done", () => {
  const limited = { ...withUsers("/u"), process: { ...plain.process, rlimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }, { type: "RLIMIT_NPROC", soft: 3, hard: 4 }] } };
  expect(raisingLimits(limited, ["CAP_SYS_RESOURCE"])).toEqual(["prlimit", "--nofile=1:2", "--nproc=3:4", "--"]);
  for (const config of [withUsers("/u"), { ...limited, linux: plain.linux }, undefined]) expect(raisingLimits(config, ["CAP_SYS_RESOURCE"])).toEqual([]);
  expect(raisingLimits(limited, [])).toEqual([]);
});
