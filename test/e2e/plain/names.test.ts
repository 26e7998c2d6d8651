import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { addresses, documents, pod, podText } from "../../harness/objects.ts";
import { openPlainRoom, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const SHOW = "hostname; echo $HOSTNAME; cat /etc/hostname; grep -v localhost /etc/hosts | grep -v ip6; stat -c '%a %u' /etc/hosts /etc/resolv.conf; cat /etc/resolv.conf";

scenario("a pod's names are in the kernel, in /etc/hosts and in the environment", async (room) => {
  await room.write("/run/names.yaml", documents(
    podText("plain", { spec: "hostAliases:\n- {ip: 192.0.2.7, hostnames: [db.example, db]}\ndnsPolicy: None\ndnsConfig: {nameservers: [192.0.2.53], searches: [a.example, b.example], options: [{name: ndots, value: '2'}, {name: rotate}]}" }),
    podText("sub", { spec: "hostname: first\nsubdomain: group" }),
    podText("full", { spec: "subdomain: group\nsetHostnameAsFQDN: true" }),
    podText("over", { spec: "hostname: first\nsubdomain: group\nhostnameOverride: my.example.org" }),
  ));
  // A file of the pod is for all its users, whatever umask it was made under.
  await room.run(["sh", "-c", 'umask 077; exec "$0" play /run/names.yaml', WHERRY]);
  const seen = async (name: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", SHOW]);
  const hosts = async (name: string, names: string): Promise<string> => (await addresses(room, name)).map((ip) => `${ip}\t${names}\n`).join("");
  const modes = "644 0\n644 0\n";
  expect(await seen("plain")).toBe(`plain\nplain\nplain\n# Kubernetes-managed hosts file.\n${await hosts("plain", "plain")}\n# Entries added by HostAliases.\n192.0.2.7\tdb.example\tdb\n${modes}search a.example b.example\nnameserver 192.0.2.53\noptions ndots:2 rotate\n`);
  const full = (name: string): string => `${name}.group.default.svc.cluster.local`;
  expect(await seen("sub")).toStartWith(`first\nfirst\nfirst\n# Kubernetes-managed hosts file.\n${await hosts("sub", `${full("first")}\tfirst`)}${modes}`);
  expect(await seen("full")).toStartWith(`${full("full")}\n${full("full")}\n${full("full")}\n# Kubernetes-managed hosts file.\n${await hosts("full", `${full("full")}\tfull`)}${modes}`);
  expect(await seen("over")).toStartWith(`my.example.org\nmy.example.org\nmy.example.org\n# Kubernetes-managed hosts file.\n${await hosts("over", "my.example.org")}${modes}`);
  expect(await room.ok(["exec", "sub", "--", "ping", "-c1", "-w1", full("first")])).toContain("1 packets received");
});

scenario("a stopped pod gets its files anew when it starts again", async (room) => {
  await room.write("/run/again.yaml", podText("again", { spec: "hostAliases: [{ip: 192.0.2.7, hostnames: [db]}]" }));
  await room.ok(["play", "/run/again.yaml"]);
  await room.ok(["exec", "again", "--", "sh", "-c", "echo spoilt >/etc/hosts"]);
  await room.ok(["pod", "stop", "again"]);
  await room.ok(["pod", "start", "again"]);
  const text = await room.ok(["exec", "again", "--", "cat", "/etc/hosts"]);
  expect(text).toContain("192.0.2.7\tdb");
  expect(text).not.toContain("spoilt");
});

scenario("a pod on the host's network has the host's names, and its own aliases", async (room) => {
  await room.write("/run/host.yaml", podText("host", { spec: "hostNetwork: true\nhostname: ignored\nhostAliases: [{ip: 192.0.2.7, hostnames: [db]}]\ndnsPolicy: ClusterFirstWithHostNet\ndnsConfig: {searches: [x.example]}" }));
  await room.ok(["play", "/run/host.yaml"]);
  const host = (await room.run(["hostname"])).stdout;
  expect(await room.ok(["exec", "host", "--", "sh", "-c", "hostname; echo $HOSTNAME"])).toBe(`${host}${host}`);
  const { stdout: hosts } = await room.run(["cat", "/etc/hosts"]);
  expect(await room.ok(["exec", "host", "--", "cat", "/etc/hosts"])).toBe(`# Kubernetes-managed hosts file (host network).\n${hosts}\n# Entries added by HostAliases.\n192.0.2.7\tdb\n`);
  expect(await room.ok(["exec", "host", "--", "grep", "search", "/etc/resolv.conf"])).toContain("x.example");
});

scenario("a full name that is too long for the kernel keeps the pod from starting, with the kubelet's event", async (room) => {
  await room.write("/run/long.yaml", podText("long", { spec: `hostname: ${"h".repeat(40)}\nsubdomain: group\nsetHostnameAsFQDN: true` }));
  const play = room.start([WHERRY, "play", "/run/long.yaml"]);
  await eventually(async () => {
    const { stdout } = await room.wherry(["events"]);
    expect(stdout).toContain("FailedCreatePodSandBox");
    expect(stdout).toContain("is too long (64 characters is the max");
  }, { within: 10_000 });
  expect((await pod(room, "long")).status.phase).toBe("Pending");
  await room.ok(["down", "--all"], { timeout: 60_000 });
  await play.exited;
});
