import { expect } from "bun:test";
import { container, pod, podText } from "../../harness/objects.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { eventually } from "../../harness/eventually.ts";

const scenario = await scenarios(openPlainRoom);

async function variables(room: Room, name: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await room.ok(["exec", name, "--", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ"])).split("\n");
  return Object.fromEntries(lines.filter((line) => line !== "").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

const field = (name: string, path: string): string => `- {name: ${name}, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: ${JSON.stringify(path)}}}}`;
const resource = (name: string, path: string, divisor: string): string => `- {name: ${name}, valueFrom: {resourceFieldRef: {resource: ${path}, divisor: ${divisor}}}}`;

scenario("variables hold the pod's own fields, and later ones can use them", async (room) => {
  const text = podText("self", {
    container: ["env:", field("NAME", "metadata.name"), field("NAMESPACE", "metadata.namespace"), field("UID", "metadata.uid"), field("APP", "metadata.labels['app']"), field("NONE", "metadata.annotations['none']"),
      field("NODE", "spec.nodeName"), field("ACCOUNT", "spec.serviceAccountName"), field("HOST_IP", "status.hostIP"), field("HOST_IPS", "status.hostIPs"), field("POD_IP", "status.podIP"), field("POD_IPS", "status.podIPs"),
      '- {name: ALL, value: "$(NAME)/$(POD_IP)/$(LATER)"}', '- {name: LATER, value: "1"}'].join("\n"),
    spec: "serviceAccountName: robot\nenableServiceLinks: true",
  });
  await room.write("/run/self.yaml", text);
  await room.ok(["play", "/run/self.yaml"]);
  const { metadata, status } = await pod(room, "self");
  const env = await variables(room, "self");
  const host = (await room.run(["hostname"])).stdout.trim();
  expect(env).toMatchObject({ NAME: "self", NAMESPACE: "default", UID: metadata.uid, APP: "self", NONE: "", NODE: host, ACCOUNT: "robot", POD_IP: status.podIP ?? "", POD_IPS: (status.podIPs ?? []).map(({ ip }) => ip).join(), HOSTNAME: "self" });
  expect(env["HOST_IP"]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(env["HOST_IPS"]).toBe((status.hostIPs ?? []).map(({ ip }) => ip).join());
  expect(env["HOST_IPS"]?.split(",")[0]).toBe(env["HOST_IP"] ?? "");
  expect(env["ALL"]).toBe(`self/${status.podIP}/$(LATER)`);
  expect(env["KUBERNETES_PORT"]).toMatch(/^tcp:\/\/[\d.]+:443$/);
  expect(Object.keys(env).filter((name) => name.endsWith("_SERVICE_HOST"))).toEqual(["KUBERNETES_SERVICE_HOST"]);
  expect(await room.ok(["get", "pod", "self", "-o", "json"])).toContain('"fieldPath": "metadata.labels[\'app\']"');
});

scenario("variables hold resources, rounded up, and without a limit what the host has", async (room) => {
  await room.write("/run/resources.yaml", podText("resources", {
    container: ["resources: {limits: {memory: 100M}}", "env:", resource("MEMORY", "limits.memory", "1Mi"), resource("REQUEST", "requests.memory", "1"), resource("CPU", "limits.cpu", "1"), resource("MILLI", "requests.cpu", "1m"), resource("DISK", "limits.ephemeral-storage", "1")].join("\n"),
  }));
  await room.ok(["play", "/run/resources.yaml"]);
  const env = await variables(room, "resources");
  expect(env).toMatchObject({ MEMORY: "96", REQUEST: "100000000", CPU: (await room.run(["nproc", "--all"])).stdout.trim(), MILLI: "0" });
  expect(Number(env["DISK"])).toBeGreaterThan(0);
});

scenario("variables come from a file that an init container has written, without its volume", async (room) => {
  const init = `
initContainers:
- name: write
  image: localhost/test:1
  command: [sh, -c, "printf \\"A='one'\\\\nB = 'two\\\\nlines'\\\\n\\" >/made/vars; ln -s /etc/passwd /made/link"]
  volumeMounts: [{name: made, mountPath: /made}]
volumes: [{name: made, emptyDir: {}}]`;
  const ref = (name: string, path: string, key: string, optional: boolean): string => `- {name: ${name}, valueFrom: {fileKeyRef: {volumeName: made, path: ${path}, key: ${key}, optional: ${optional}}}}`;
  await room.write("/run/file.yaml", podText("file", { spec: init, container: ["env:", ref("ONE", "vars", "A", false), ref("TWO", "vars", "B", false), ref("NONE", "vars", "C", true), ref("NOFILE", "gone", "A", true)].join("\n") }));
  await room.ok(["play", "/run/file.yaml"]);
  const env = await room.ok(["exec", "file", "--", "env"]);
  expect(env).toContain("ONE=one\n");
  expect(env).toContain("TWO=two\nlines\n");
  expect(env).not.toContain("NONE=");
  expect((await room.wherry(["exec", "file", "--", "test", "-e", "/made"])).status).toBe(1);
});

for (const [path, message] of [["gone", 'environment variable file "gone" not found in volume "made"'], ["link", 'Cannot open "link"']] as const) {
  scenario(`a file of variables that is ${path === "gone" ? "not there" : "a link out of the volume"} keeps the container from starting`, async (room) => {
    const init = `
initContainers:
- {name: write, image: localhost/test:1, command: [ln, -s, /etc/passwd, /made/link], volumeMounts: [{name: made, mountPath: /made}]}
volumes: [{name: made, emptyDir: {}}]`;
    await room.write("/run/bad.yaml", podText("bad", { spec: init, container: `env: [{name: A, valueFrom: {fileKeyRef: {volumeName: made, path: ${path}, key: A}}}]` }));
    expect((await room.wherry(["play", "/run/bad.yaml"])).stderr).toContain(message);
    await eventually(async () => {
      const { waiting } = (await container(room, "bad")).state;
      expect(waiting?.reason).toMatch(/^CreateContainer(Config)?Error$/);
      expect(waiting?.message).toContain(message);
    }, { within: 5_000 });
  });
}
