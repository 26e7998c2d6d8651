import { expect } from "bun:test";
import { documents, podText } from "../../harness/objects.ts";
import { openPlainRoom } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const SETTINGS = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  colour: red
  page.html: |
    <p>hello
binaryData: {raw: AAEC}
`;
const PASSWORD = `apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {user: admin, word: "s3cret"}
`;

scenario("env takes values, keys of ConfigMaps and Secrets, and whole ones with a prefix", async (room) => {
  await room.write("/run/env.yaml", documents(SETTINGS, PASSWORD, podText("env", { container: `
envFrom:
- {prefix: S_, secretRef: {name: password}}
- {configMapRef: {name: absent, optional: true}}
env:
- {name: PLAIN, value: "one two"}
- {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
- {name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}
- {name: BOTH, value: "$(COLOUR)-$(PLAIN)-$$(PLAIN)"}
` })));
  await room.ok(["play", "/run/env.yaml"]);
  const variables = (await room.ok(["exec", "env", "--", "env"])).split("\n");
  for (const line of ["PLAIN=one two", "COLOUR=red", "WORD=s3cret", "S_user=admin", "BOTH=red-one two-$(PLAIN)"]) expect(variables).toContain(line);
});

scenario("volumes hold the files of ConfigMaps and Secrets, with their modes", async (room) => {
  await room.write("/run/volume.yaml", documents(SETTINGS, PASSWORD, podText("volume", {
    container: `
volumeMounts:
- {name: settings, mountPath: /settings}
- {name: password, mountPath: /password, readOnly: true}
- {name: memory, mountPath: /memory}
- {name: host, mountPath: /host}
`,
    spec: `
volumes:
- {name: settings, configMap: {name: settings, items: [{key: page.html, path: www/index.html}, {key: raw, path: raw}]}}
- {name: password, secret: {secretName: password, defaultMode: 0400}}
- {name: memory, emptyDir: {medium: Memory}}
- {name: host, hostPath: {path: /run/host-data, type: DirectoryOrCreate}}
`,
  })));
  await room.ok(["play", "/run/volume.yaml"]);
  const read = (...argv: string[]): Promise<string> => room.ok(["exec", "volume", "--", ...argv]);
  expect(await read("cat", "/settings/www/index.html")).toBe("<p>hello\n");
  expect(await read("od", "-An", "-tx1", "/settings/raw")).toContain("00 01 02");
  expect(await read("cat", "/password/word")).toBe("s3cret");
  expect(await read("stat", "-L", "-c", "%a", "/password/word")).toBe("400\n");
  expect(await read("ls", "/settings")).not.toContain("colour");
  expect((await room.wherry(["exec", "volume", "--", "touch", "/password/x"])).status).not.toBe(0);
  expect(await read("stat", "-f", "-c", "%T", "/memory")).toBe("tmpfs\n");
  await read("sh", "-c", "echo kept >/host/file");
  await room.ok(["down", "volume"]);
  expect((await room.run(["cat", "/run/host-data/file"])).stdout).toBe("kept\n");
});

scenario("secrets are listed without their values", async (room) => {
  await room.write("/run/secret.yaml", documents(PASSWORD, podText("quiet")));
  await room.ok(["play", "/run/secret.yaml"]);
  for (const argv of [["get", "secrets", "-A", "-o", "json"], ["get", "secrets", "-A", "-o", "yaml"], ["inspect", "secret"], ["describe", "pod", "quiet"]]) {
    const { stdout } = await room.wherry(argv);
    expect(stdout).not.toContain("s3cret");
    expect(stdout).not.toContain(Buffer.from("s3cret").toString("base64"));
  }
  expect(await room.ok(["get", "configmaps", "-A", "-o", "json"])).toContain('"items"');
});

scenario("a pod sees its own name, address and resolver", async (room) => {
  await room.write("/run/names.yaml", podText("names", { spec: "hostname: called" }));
  await room.ok(["play", "/run/names.yaml"]);
  expect(await room.ok(["exec", "names", "--", "hostname"])).toBe("called\n");
  const hosts = await room.ok(["exec", "names", "--", "cat", "/etc/hosts"]);
  expect(hosts).toContain("127.0.0.1");
  expect(hosts).toMatch(/^10\.\S+\s+called/m);
  expect((await room.wherry(["exec", "names", "--", "test", "-r", "/etc/resolv.conf"])).status).toBe(0);
});

scenario("limits whose controller is there hold, and rlimits never stop a container", async (room) => {
  await room.write("/run/limits.yaml", podText("limits", { container: "resources: {limits: {memory: 64Mi, cpu: 500m}}" }));
  await room.ok(["play", "/run/limits.yaml"]);
  const limit = await room.ok(["exec", "limits", "--", "sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"]);
  expect(limit.trim()).toBe(String(64 * 1024 * 1024));
});

const MARKER = "marker-of-a-value";
const SECRET = `apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {word: ${MARKER}}\n`;
/** Files of the durable database that hold the marker, as text or in base64. */
const FOUND = `grep -l -a -e '${MARKER}' -e '${Buffer.from(MARKER).toString("base64").slice(0, 20)}' /var/lib/wherry/wherry.db*`;

scenario("values of Secrets are encrypted at rest, and pods have them all the same", async (room) => {
  const text = (colour: string): string => documents(SECRET, SETTINGS.replace("red", colour), podText("sealed", {
    container: "env: [{name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}]\nvolumeMounts: [{name: password, mountPath: /password}]",
    spec: "volumes: [{name: password, secret: {secretName: password}}]",
  }));
  await room.write("/run/sealed.yaml", text("red"));
  await room.ok(["play", "/run/sealed.yaml"]);
  expect((await room.run(["sh", "-c", FOUND])).stdout).toBe("");
  expect(await room.ok(["exec", "sealed", "--", "sh", "-c", "echo $WORD; cat /password/word"])).toBe(`${MARKER}\n${MARKER}`);
  expect(await room.ok(["play", "/run/sealed.yaml"])).toContain("pod/sealed unchanged");
  await room.run(["sh", "-c", "kill -9 $(pgrep -f 'wherry supervise')"]);
  await room.write("/run/sealed.yaml", text("blue"));
  await room.ok(["play", "--replace", "/run/sealed.yaml"]);
  expect(await room.ok(["exec", "sealed", "--", "sh", "-c", "echo $WORD; cat /password/word"])).toBe(`${MARKER}\n${MARKER}`);
  expect(await room.ok(["inspect", "sealed/main"])).not.toContain(MARKER);
  expect((await room.run(["sh", "-c", FOUND])).stdout).toBe("");
  expect(await room.ok(["info"])).toMatch(/Secrets:\s+encrypted at rest/);
  await room.run(["sh", "-c", "rm /var/lib/systemd/credential.secret; kill -9 $(pgrep -f 'wherry supervise')"]);
  const lost = await room.wherry(["play", "--replace", "/run/sealed.yaml"]);
  expect(lost.stderr).toContain('Cannot decrypt the Secrets of "sealed"');
  await room.ok(["down", "sealed"]);
  await room.ok(["play", "/run/sealed.yaml"]);
}, { root: "a user's Secrets are recorded as they are" });

scenario("Secrets are recorded as they are where the host has no systemd-creds", async (room) => {
  await room.write("/run/clear.yaml", documents(SECRET, podText("clear")));
  await room.run(["mount", "--bind", "/dev/null", "/usr/bin/systemd-creds"]);
  try {
    await room.ok(["play", "/run/clear.yaml"]);
    expect((await room.run(["sh", "-c", FOUND])).stdout).toContain("/var/lib/wherry/wherry.db");
    expect(await room.ok(["info"])).toMatch(/Secrets:\s+not encrypted at rest/);
    expect((await room.run(["sh", "-c", "stat -c %a /var/lib/wherry/wherry.db*"])).stdout).toMatch(/^(600\n)+$/);
    await room.ok(["down", "clear"]);
  } finally {
    await room.run(["umount", "/usr/bin/systemd-creds"]);
  }
  await room.ok(["play", "/run/clear.yaml"]);
  await room.run(["sh", "-c", "sync"]);
  expect((await room.run(["sh", "-c", FOUND])).stdout).toBe("");
}, { root: "a user's Secrets are recorded as they are" });
