import { describe, expect, test } from "bun:test";
import { cgroupHost } from "./cgroup.ts";
import { type Act, runtimeContract } from "./contract.ts";
import { fakeRuntime, type FakePayload } from "./fake.ts";
import { type OciConfig } from "./oci.ts";
import { busyConfig, realSuite } from "./real.ts";

const PAYLOADS: Readonly<Record<Act, FakePayload>> = {
  echo: {}, "exit 7": { exit: 7 },
  "wait for SIGTERM": {},
  "ignore SIGTERM": { ignores: ["SIGTERM"] },
  "missing program": { refuses: "executable file `no-such-program` not found" },
};

describe("fakeRuntime", () => {
  const acts = new Map<OciConfig, Act>();
  const fake = fakeRuntime({ behave: ({ config }) => PAYLOADS[acts.get(config) ?? "exit 7"] });
  runtimeContract("fakeRuntime", {
    runtime: fake.runtime,
    request(id, act) {
      const config = busyConfig([], `/wherry-test/${id}`);
      acts.set(config, act);
      return { id, bundle: `/bundles/${id}`, config, logPath: "/dev/null", logSizeMax: 0, journal: false, name: id, tag: id, labels: {} };
    },
    killMonitor: (id) => fake.dieMonitor(id),
    leaks: () => [...fake.requests.keys()],
    dispose: async () => undefined,
  });
});

// crun refuses hybrid cgroups; without the v2 tree, in a mount namespace of our own, it sees plain v1.
const hybrid = cgroupHost().hybrid;
if (process.getuid?.() !== 0) {
  test.skip("ociRuntime passes the contract (needs root)", () => undefined);
} else if (hybrid) {
  describe("runc on hybrid cgroups", () => realSuite("runc"));
  test("ociRuntime passes the contract in a room without the v2 tree", async () => {
    const inside = `umount -l /sys/fs/cgroup/unified; exec "$0" test "$1"`;
    const child = Bun.spawn(["unshare", "-m", "sh", "-c", inside, process.execPath, import.meta.path], { stdio: ["ignore", "ignore", "pipe"] });
    const [status, output] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (status !== 0) console.error(output);
    expect(status).toBe(0);
  }, 600_000);
} else {
  describe("crun", () => realSuite("crun"));
  describe("runc", () => realSuite("runc"));
}
