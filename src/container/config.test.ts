import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { WherryError } from "../base/errors.ts";
import { ociConfig } from "./config.ts";
import type { ConfigInput } from "./container.ts";
import { containerOf, host, image, inputOf, podOf } from "./fixtures.ts";
import { serviceContainerConfig } from "./service.ts";

/** Compares with `testdata/<name>.json`; a missing file is written, to be read before it is committed. */
function golden(name: string, value: unknown): void {
  const file = `${import.meta.dir}/testdata/${name}.json`;
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  if (!existsSync(file)) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

const limited = containerOf({ resources: { limits: { cpu: "500m", memory: "64Mi" } } });
const CASES: Readonly<Record<string, ConfigInput>> = {
  "plain-v2": inputOf(),
  "plain-v1": inputOf({ host: { ...host, cgroupVersion: "v1", hardRlimits: { RLIMIT_NOFILE: 20_000, RLIMIT_NPROC: 4_096 } } }),
  "host-network": inputOf({ namespaces: { ipc: "/run/wherry/pods/p/ipcns" }, hostname: "node" }),
  limits: inputOf({ container: limited }),
  "limits-without-controllers": inputOf({ container: limited, host: { ...host, controllers: [] } }),
  "not-root": inputOf({ image: { ...image, workingDir: "/data" }, identity: { uid: 101, gid: 102, additionalGids: [103], home: "/var/lib/x" } }),
  privileged: inputOf({ container: containerOf({ securityContext: { privileged: true } }) }),
  restricted: inputOf({
    container: containerOf({
      securityContext: {
        allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { add: ["NET_BIND_SERVICE", "SYS_TIME"], drop: ["ALL"] },
        seccompProfile: { type: "Localhost", localhostProfile: "mine.json" }, seLinuxOptions: { level: "s0:c1,c2" }, appArmorProfile: { type: "Localhost", localhostProfile: "mine" },
      },
    }),
    host: { ...host, seLinux: true, appArmor: () => ["mine", "docker-default"] },
  }),
  "host-namespaces": inputOf({ pod: podOf([containerOf()], { hostPID: true, hostIPC: true, securityContext: { seccompProfile: { type: "Unconfined" }, sysctls: [{ name: "net.core.somaxconn", value: "7" }] } }), namespaces: { network: "/run/wherry/pods/p/netns", uts: "/run/wherry/pods/p/utsns" } }),
  "own-users": inputOf({
    users: { path: "/run/wherry/pods/p/userns", first: 1_879_048_192, count: 65_536 },
    binds: [{ source: "/run/wherry/pods/p/mapped/web.0", destination: "/secret", readOnly: true, recursive: false, options: ["nosuid", "nodev"] }],
  }),
  volumes: inputOf({
    binds: [
      { source: "/v/deep", destination: "/data/a/b/", readOnly: true, recursive: true },
      { source: "/v/top", destination: "/data", readOnly: false, recursive: true },
      { source: "/v/sys", destination: "/sys", readOnly: true, recursive: true },
    ],
    env: [{ name: "PATH", value: "/opt/bin" }, { name: "WHO", value: "me" }],
    container: containerOf({ args: ["--as", "$(WHO)", "$$(WHO)"], workingDir: "/srv" }),
  }),
};

test("ociConfig() binds /sys, /dev/mqueue and /proc of a user's host, which only their own namespaces would let it mount", () => {
  const kinds = (input: ConfigInput): Readonly<Record<string, string>> => Object.fromEntries(ociConfig(input).config.mounts.filter(({ destination }) => ["/sys", "/dev/mqueue", "/proc"].includes(destination)).map(({ destination, type }) => [destination, type]));
  const user = { ...host, userNamespace: true };
  expect(kinds(inputOf({ host: user }))).toEqual({ "/proc": "proc", "/sys": "sysfs", "/dev/mqueue": "mqueue" });
  expect(kinds(inputOf({ host: user, namespaces: {}, pod: podOf([containerOf()], { hostPID: true, hostIPC: true, hostNetwork: true }) }))).toEqual({ "/proc": "bind", "/sys": "bind", "/dev/mqueue": "bind" });
  expect(kinds(inputOf({ namespaces: {} }))).toEqual({ "/proc": "proc", "/sys": "sysfs", "/dev/mqueue": "mqueue" });
});

describe("ociConfig", () => {
  for (const [name, input] of Object.entries(CASES)) test(`ociConfig gives testdata/${name}.json`, () => golden(name, ociConfig(input)));

  test("ociConfig warns about each limit whose controller is absent, by name", () => {
    expect(ociConfig(inputOf({ container: limited, host: { ...host, controllers: ["memory"] } })).warnings).toEqual([
      'Cannot limit cpu of container "web" to "500m": this host has no cgroup controller "cpu"',
    ]);
  });

  test("ociConfig refuses ids that the pod's user namespace has not", () => {
    const users = { path: "/u", first: 65_536, count: 65_536 };
    const run = (uid: number, gid: number, additionalGids: readonly number[] = []) => (): unknown => ociConfig(inputOf({ users, identity: { uid, gid, additionalGids, home: "/" } }));
    expect(run(65_535, 65_535)).not.toThrow();
    expect(run(65_536, 0)).toThrow('Cannot run container "web" with user 65536: the pod has hostUsers false, it should be 0 to 65535');
    expect(run(0, 0, [5, 70_000])).toThrow("with group 70000");
  });

  test("ociConfig says what of a security context it cannot give", () => {
    const container = containerOf({ securityContext: { capabilities: { add: ["SYS_TIME"], drop: [] }, seLinuxOptions: { level: "s0" } } });
    expect(ociConfig(inputOf({ container })).warnings).toEqual([
      'Cannot give CAP_SYS_TIME to container "web": wherry itself does not hold it', 'Cannot label container "web" by its seLinuxOptions: the kernel enforces no SELinux',
    ]);
  });

  test("ociConfig confines by the AppArmor profile of a container engine that is loaded, and fails without the one asked for", () => {
    const profile = (type: "RuntimeDefault" | "Unconfined", loaded: readonly string[]): string | undefined =>
      ociConfig(inputOf({ container: containerOf({ securityContext: { appArmorProfile: { type } } }), host: { ...host, appArmor: () => loaded } })).config.process.apparmorProfile;
    expect(profile("RuntimeDefault", ["firefox", "docker-default"])).toBe("docker-default");
    expect(profile("Unconfined", ["docker-default"])).toBeUndefined();
    expect(() => profile("RuntimeDefault", ["firefox"])).toThrow(/no default profile/);
    expect(ociConfig(inputOf({ host: { ...host, appArmor: () => [] } })).config.process.apparmorProfile).toBeUndefined();
  });

  const COMMANDS: readonly (readonly [string, Parameters<typeof containerOf>[0], readonly string[]])[] = [
    ["takes entrypoint and cmd of the image", {}, ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"]],
    ["replaces cmd by args", { args: ["a"] }, ["/docker-entrypoint.sh", "a"]],
    ["replaces both by command", { command: ["c"] }, ["c"]],
    ["replaces both by command and args", { command: ["c"], args: ["a"] }, ["c", "a"]],
    ["treats empty lists as none", { command: [], args: [] }, ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"]],
    ["expands variables", { command: ["$(A)", "$(B)", "$$(A)"] }, ["1", "$(B)", "$(A)"]],
  ];
  for (const [title, change, args] of COMMANDS) {
    test(`ociConfig ${title}`, () => {
      expect(ociConfig(inputOf({ container: containerOf(change), env: [{ name: "A", value: "1" }] })).config.process.args).toEqual(args);
    });
  }

  test("ociConfig refuses a container with nothing to run, naming it and its image", () => {
    const nothing = inputOf({ image: { ...image, entrypoint: [], cmd: [] } });
    expect(() => ociConfig(nothing)).toThrow(WherryError);
    expect(() => ociConfig(nothing)).toThrow(/container "web".*image "nginx:1.27"/);
  });

  const SCORES: readonly (readonly [string, ConfigInput, number])[] = [
    ["without limits is the first to go", inputOf(), 1000],
    ["with all limits is the last to go", inputOf({ container: limited }), -997],
    ["with all limits keeps the lowest permitted score", inputOf({ container: limited, host: { ...host, lowestOomScoreAdj: 0 } }), 0],
    ["with a memory limit of half the host stands in between", inputOf({ container: containerOf({ resources: { limits: { memory: "4Gi" } } }) }), 500],
    ["beside a limited one stands in between", inputOf({ pod: podOf([containerOf(), limited]) }), 999],
  ];
  for (const [title, input, score] of SCORES) test(`ociConfig ${title}`, () => expect(ociConfig(input).config.process.oomScoreAdj).toBe(score));

  const CPU: readonly (readonly [string, number, number])[] = [["1", 100_000, 1024], ["1m", 1_000, 2], ["2500m", 250_000, 2560]];
  for (const [cpu, quota, shares] of CPU) {
    test(`ociConfig makes ${cpu} cpu a quota of ${quota} µs and ${shares} shares`, () => {
      const { config } = ociConfig(inputOf({ container: containerOf({ resources: { limits: { cpu } } }) }));
      expect(config.linux.resources?.cpu).toEqual({ quota, shares, period: 100_000 });
    });
  }
});

test("serviceContainerConfig gives testdata/service.json", () => {
  golden("service", serviceContainerConfig({ args: ["/usr/local/bin/wherry", "supervise", "shop"], env: ["PATH=/usr/bin"], cgroupsPath: "/wherry/shop/service", capabilities: ["CAP_KILL", "CAP_SYS_ADMIN"] }));
});

test("ociConfig lets mounts through as far as a volume asks, and the root with it", () => {
  const bind = { source: "/v", readOnly: true, recursive: true } as const;
  const of = (...binds: ConfigInput["binds"]): readonly unknown[] => {
    const { config } = ociConfig(inputOf({ binds }));
    return [config.linux.rootfsPropagation, ...config.mounts.filter(({ source }) => source === "/v").map(({ options }) => options.join(" "))];
  };
  expect(of({ ...bind, destination: "/a" })).toEqual([undefined, "rbind rprivate ro"]);
  expect(of({ ...bind, destination: "/a", propagation: "rslave", readOnlyBelow: true })).toEqual(["rslave", "rbind rslave ro rro"]);
  expect(of({ ...bind, destination: "/a", propagation: "rslave" }, { ...bind, destination: "/b", propagation: "rshared", readOnly: false })).toEqual(["rshared", "rbind rslave ro", "rbind rshared rw"]);
});

test("ociConfig makes block devices and lets the container use them", () => {
  const { config } = ociConfig(inputOf({ devices: [{ path: "/dev/raw", major: 7, minor: 300, readOnly: true }] }));
  expect([config.linux.devices, config.linux.resources?.devices?.at(-1)]).toEqual([
    [{ path: "/dev/raw", type: "b", major: 7, minor: 300, fileMode: 0o660, uid: 0, gid: 0 }],
    { allow: true, type: "b", major: 7, minor: 300, access: "rm" },
  ]);
});
