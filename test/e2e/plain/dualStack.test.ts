import { expect } from "bun:test";
import { answer, container, documents, pod, podText, WAIT } from "../../harness/objects.ts";
import { pacedDuration } from "../../harness/pace.ts";
import { expectStatus, openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { hostHasIPv6 } from "../../../src/network/ipv6.ts";

const scenario = hostHasIPv6() ? await scenarios(openPlainRoom) : () => {};

const inside = (room: Room, name: string, script: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", script]);
const sh = async (room: Room, script: string): Promise<void> => void expectStatus(await room.run(["sh", "-ec", script]), 0, ["sh", "-ec", script]);
const ENV = "env:\n" + ["podIP", "podIPs", "hostIP", "hostIPs"].map((name) => `- {name: ${name}, valueFrom: {fieldRef: {fieldPath: status.${name}}}}`).join("\n");
/** Serves its name, at its own IPv6 address alone, which it takes from its hosts file as soon as it runs. */
const SERVE6 = `mkdir -p /srv && hostname > /srv/index.html; ip=$(awk -v name=$(hostname) '/^fd/ && $2 == name { print $1 }' /etc/hosts); httpd -p "[$ip]:80" -h /srv || exit 7; ${WAIT}`;

async function withHostAddress(room: Room, body: () => Promise<void>): Promise<void> {
  await sh(room, "ip link add outside0 type veth peer name outside1; ip link set outside1 up; ip link set outside0 up; ip addr add 192.0.2.9/24 dev outside0; ip addr add 2001:db8::9/64 dev outside0 nodad");
  try {
    await body();
  } finally {
    await room.ok(["down", "--all"]);
    await sh(room, "ip link del outside0");
  }
}

scenario("a pod has an address of each family, and says so everywhere", async (room) => {
  await withHostAddress(room, async () => {
    await room.write("/run/two.yaml", documents(podText("one", { container: ENV }), podText("two"), podText("host", { container: ENV, spec: "hostNetwork: true" })));
    await room.ok(["play", "/run/two.yaml"]);
    const { status } = await pod(room, "one");
    const [ip = "", ip6 = ""] = (status.podIPs ?? []).map((each) => each.ip);
    expect(status.podIP).toBe(ip);
    expect(ip).toMatch(/^10\./);
    expect(ip6).toMatch(/^fd[0-9a-f]{2}:[0-9a-f]+:[0-9a-f]+::[0-9a-f]+$/);
    expect(status.hostIPs).toEqual([{ ip: "192.0.2.9" }, { ip: "2001:db8::9" }]);
    const variables = (name: string): Promise<string> => inside(room, name, "echo $podIP $podIPs $hostIP $hostIPs");
    expect(await variables("one")).toBe(`${ip} ${ip},${ip6} 192.0.2.9 192.0.2.9,2001:db8::9\n`);
    expect(await variables("host")).toBe("192.0.2.9 192.0.2.9,2001:db8::9 192.0.2.9 192.0.2.9,2001:db8::9\n");
    expect(await inside(room, "one", "grep -w one /etc/hosts")).toBe(`${ip}\tone\n${ip6}\tone\n`);
    const seen = await inside(room, "one", "ip -6 address show dev eth0; ip -6 route show default");
    for (const words of [`inet6 ${ip6}/64 scope global`, `default via ${ip6.replace(/::.*/, "::1")} dev eth0`]) expect(seen).toContain(words);
    expect(await room.ok(["describe", "pod", "one"])).toMatch(new RegExp(`IPs:\\s+IP:\\s+${ip}\\s+IP:\\s+${ip6}\\n`));
  });
});

scenario("pods bind their IPv6 addresses at once and reach each other and the host by them", async (room) => {
  await withHostAddress(room, async () => {
    await room.write("/run/talk.yaml", documents(...["a", "b", "c"].map((name) => podText(name, { script: SERVE6 }))));
    await room.ok(["play", "/run/talk.yaml"]);
    for (const name of ["a", "b", "c"]) {
      const address = (await pod(room, name)).status.podIPs?.[1]?.ip ?? "";
      expect((await container(room, name)).restartCount).toBe(0);
      for (const from of ["a", "b", "c"]) expect(await inside(room, from, `wget -qO- 'http://[${address}]/'`)).toBe(`${name}\n`);
      expect(await answer(room, `http://[${address}]/`)).toBe(`${name}\n`);
    }
    await inside(room, "a", "ping -c1 -W2 2001:db8::9");
  });
});

scenario("host ports answer on the IPv6 addresses of the host, unless they are of an IPv4 address", async (room) => {
  await withHostAddress(room, async () => {
    const ports = "ports:\n- {containerPort: 80, hostPort: 8001}\n- {containerPort: 80, hostPort: 8002, hostIP: '::'}\n- {containerPort: 80, hostPort: 8003, hostIP: '2001:db8::9'}\n- {containerPort: 80, hostPort: 8004, hostIP: 192.0.2.9}";
    await room.write("/run/ports.yaml", documents(podText("web", { container: ports, script: `mkdir /srv; echo web > /srv/index.html; httpd -p 80 -h /srv; ${WAIT}` }), podText("other")));
    await room.ok(["play", "/run/ports.yaml"]);
    for (const port of [8001, 8002, 8003]) {
      expect(await answer(room, `http://[2001:db8::9]:${port}/`)).toBe("web\n");
      expect(await inside(room, "other", `wget -qO- 'http://[2001:db8::9]:${port}/'`)).toBe("web\n");
    }
    for (const port of [8001, 8004]) expect(await answer(room, `http://192.0.2.9:${port}/`)).toBe("web\n");
    expect((await room.run(["busybox", "wget", "-T", "2", "-qO-", "http://[2001:db8::9]:8004/"])).status).not.toBe(0);
    expect(await room.ok(["ps"])).toContain("[2001:db8::9]:8003->80/tcp");
  });
});

scenario("probes ask a host of either family", async (room) => {
  await withHostAddress(room, async () => {
    const serves = `mkdir /srv; touch /srv/index.html; httpd -p 80 -h /srv; ${WAIT}`;
    const probe = (handler: string): string => `readinessProbe: {periodSeconds: 1, ${handler}}`;
    await room.write("/run/hosts.yaml", documents(
      podText("web", { script: serves, container: "ports: [{containerPort: 80, hostPort: 8001}]" }),
      podText("six", { container: probe("httpGet: {host: '2001:db8::9', port: 8001}") }),
      podText("four", { container: probe("httpGet: {host: 192.0.2.9, port: 8001}") }),
      podText("tcp", { container: probe("tcpSocket: {host: '2001:db8::9', port: 8001}") }),
    ));
    await room.ok(["play", "--timeout", pacedDuration(15), "/run/hosts.yaml"]);
  });
});

scenario("a pod that starts again keeps its addresses, and without IPv6 on the host a pod has one address", async (room) => {
  await room.write("/run/keep.yaml", documents(podText("a"), podText("b")));
  await room.ok(["play", "/run/keep.yaml"]);
  const before = (await pod(room, "a")).status.podIPs;
  await room.ok(["pod", "stop", "a"]);
  await room.ok(["pod", "start", "a"]);
  expect((await pod(room, "a")).status.podIPs).toEqual(before);
  const setting = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
  await sh(room, `echo 1 > ${setting}`);
  try {
    await room.write("/run/four.yaml", podText("four", { script: `ip -6 address show dev eth0; ${WAIT}` }));
    await room.ok(["play", "/run/four.yaml"]);
    const { status } = await pod(room, "four");
    expect(status.podIPs).toEqual([{ ip: status.podIP ?? "" }]);
    expect(await room.ok(["logs", "four"])).not.toContain("scope global");
    await room.ok(["down", "--all"]);
  } finally {
    await sh(room, `echo 0 > ${setting}`);
  }
});
