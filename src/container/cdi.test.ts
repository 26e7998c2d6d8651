import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cdiNames, readCdi, withCdi } from "./cdi.ts";
import { ociConfig } from "./config.ts";
import { containerOf, host, inputOf } from "./fixtures.ts";

const SPEC = {
  cdiVersion: "0.6.0", kind: "acme.example/gpu", containerEdits: { env: ["ACME=all"] },
  devices: [
    { name: "0", containerEdits: { env: ["PATH=/acme"], deviceNodes: [{ path: "/dev/acme0", type: "c", major: 240, minor: 0, permissions: "rw", fileMode: 0o660 }], mounts: [{ hostPath: "/opt/acme", containerPath: "/acme", options: ["ro", "rbind"] }], additionalGids: [44], hooks: [{ hookName: "createContainer", path: "/bin/hook", args: ["hook"] }] } },
    { name: "1", containerEdits: { deviceNodes: [{ path: "/dev/one", hostPath: "/dev/null" }] } },
    { name: "bad", containerEdits: { deviceNodes: [{ path: "/dev/none" }] } },
  ],
};
const specs = [{ file: "/etc/cdi/acme.json", value: SPEC }];
const container = containerOf({ resources: { limits: { "acme.example/gpu=0": "1", "acme.example/gpu=1": "1", "acme.example/gpu=2": "0", memory: "1Mi" } } });
const plain = ociConfig(inputOf()).config;

test("cdiNames gives the devices that are asked for", () => {
  expect(cdiNames(container)).toEqual(["acme.example/gpu=0", "acme.example/gpu=1"]);
});

test("ociConfig gives a container what its devices bring, and what they have in common once", () => {
  const { config } = ociConfig(inputOf({ container, host: { ...host, cdi: () => specs } }));
  expect(config.linux.devices).toEqual([
    { path: "/dev/acme0", type: "c", major: 240, minor: 0, fileMode: 0o660 }, { path: "/dev/one", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
  ]);
  expect(config.linux.resources?.devices?.slice(-2)).toEqual([{ allow: true, type: "c", access: "rw", major: 240, minor: 0 }, { allow: true, type: "c", access: "rwm", major: 1, minor: 3 }]);
  expect(config.process.env.filter((entry) => /^(ACME|PATH)=/.test(entry))).toEqual(["PATH=/acme", "ACME=all"]);
  expect(config.mounts.at(-1)).toEqual({ destination: "/acme", source: "/opt/acme", type: "bind", options: ["ro", "rbind"] });
  expect(config.process.user.additionalGids).toEqual([44]);
  expect(config.hooks).toEqual({ createContainer: [{ path: "/bin/hook", args: ["hook"], env: [] }] });
});

test("in a user namespace a device is the host's own file, mounted where it is to be", () => {
  const { config } = ociConfig(inputOf({ container, host: { ...host, userNamespace: true, cdi: () => specs } }));
  expect(config.linux.devices ?? []).toEqual([]);
  expect(config.mounts).toContainEqual({ destination: "/dev/one", source: "/dev/null", type: "bind", options: ["bind", "rprivate"] });
  expect(config.linux.resources?.devices?.slice(-1)).toEqual([{ allow: true, type: "c", access: "rwm", major: 1, minor: 3 }]);
});

test("withCdi refuses a device that no specification has, or that is no device of the host, by its name", () => {
  expect(() => withCdi(plain, ["acme.example/gpu=9"], { specs, bound: false })).toThrow(/"acme.example\/gpu=9".*unresolvable CDI device/);
  expect(() => withCdi(plain, ["acme.example/gpu=bad"], { specs, bound: false })).toThrow(/"acme.example\/gpu=bad".*"\/dev\/none" is no device/);
});

test("readCdi reads JSON and YAML, and lets the later directory win", () => {
  const directory = mkdtempSync("/tmp/wherry-cdi-");
  try {
    for (const [name, file, text] of [["a", "x.json", '{"kind":"v/c","devices":[{"name":"d","containerEdits":{"env":["A=1"]}}]}'], ["b", "x.yaml", "kind: v/c\ndevices: [{name: d, containerEdits: {env: [A=2]}}]"], ["b", "x.txt", "{"]] as const) {
      mkdirSync(`${directory}/${name}`, { recursive: true });
      writeFileSync(`${directory}/${name}/${file}`, text);
    }
    const read = readCdi([`${directory}/a`, `${directory}/b`, `${directory}/none`]);
    expect(read.map(({ file }) => file)).toEqual([`${directory}/a/x.json`, `${directory}/b/x.yaml`]);
    expect(withCdi(plain, ["v/c=d"], { specs: read, bound: false }).process.env).toContain("A=2");
    writeFileSync(`${directory}/a/x.json`, "{");
    expect(() => readCdi([`${directory}/a`])).toThrow(/Cannot read CDI specification/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
