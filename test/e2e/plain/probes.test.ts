import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE } from "../../harness/image.ts";
import { container, documents, pod, podText, WAIT } from "../../harness/objects.ts";
import { pacedDuration } from "../../harness/pace.ts";
import { openPlainRoom, WHERRY, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { kill, supervisor } from "../../harness/processes.ts";

const scenario = await scenarios(openPlainRoom);

const conditionOf = async (room: Room, name: string, type: string) => (await pod(room, name)).status.conditions?.find((each) => each.type === type);
const events = (room: Room): Promise<string> => room.ok(["events"]);
/** A program in the container, without a pager or a shell's line in between. */
const inside = (room: Room, name: string, script: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", script]);

scenario("play returns when the readiness probes have succeeded, and a pod whose probe fails again is not Ready", async (room) => {
  await room.write("/run/ready.yaml", podText("web", {
    script: `sleep 1; touch /tmp/ok; ${WAIT}`,
    container: "readinessProbe: {exec: {command: [test, -e, /tmp/ok]}, periodSeconds: 1, failureThreshold: 2}",
  }));
  const begun = performance.now();
  await room.ok(["play", "/run/ready.yaml"]);
  expect(performance.now() - begun).toBeGreaterThan(1_000);
  expect(await container(room, "web")).toMatchObject({ ready: true, started: true });
  expect(await events(room)).toContain("Readiness probe failed:");
  const since = await conditionOf(room, "web", "Ready");
  await inside(room, "web", "rm /tmp/ok");
  await room.ok(["wait", "pod", "web", "--for=condition=Ready=False", "--timeout", pacedDuration(10)]);
  expect(await conditionOf(room, "web", "Ready")).toMatchObject({ status: "False", reason: "ContainersNotReady", message: "containers with unready status: [main]" });
  expect(await room.ok(["get", "pods"])).toMatch(/0\/1 +Running +0/);
  expect(await container(room, "web")).toMatchObject({ ready: false, started: true, restartCount: 0 });
  await inside(room, "web", "touch /tmp/ok");
  await room.ok(["wait", "pod", "web", "--for=condition=Ready", "--timeout", pacedDuration(10)]);
  expect(since?.status).toBe("True");
});

scenario("a liveness probe that fails restarts its container, after its own grace period", async (room) => {
  await room.write("/run/live.yaml", podText("web", {
    grace: 60,
    script: "trap 'echo asked' TERM; touch /tmp/ok; while :; do sleep 0.1; done",
    container: "livenessProbe: {exec: {command: [sh, -c, 'test -e /tmp/ok || { echo it is gone; exit 1; }']}, periodSeconds: 1, failureThreshold: 2, terminationGracePeriodSeconds: 3}",
  }));
  await room.ok(["play", "/run/live.yaml"]);
  await inside(room, "web", "rm /tmp/ok");
  const begun = performance.now();
  await eventually(async () => expect((await container(room, "web")).restartCount).toBe(1), { within: 15_000 });
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(3_900); // two probes a second apart, and three seconds
  expect(took).toBeLessThan(8_000);
  const said = await events(room);
  for (const words of ["Liveness probe failed: it is gone", "Container main failed liveness probe, will be restarted"]) expect(said).toContain(words);
  expect((await container(room, "web")).lastState?.terminated).toMatchObject({ exitCode: 137 });
  expect(await room.ok(["logs", "web", "--previous"])).toContain("asked");
  await room.ok(["pod", "rm", "--grace-period", "0", "web"]);
}, { timeout: 90_000, timed: true });

scenario("a startup probe holds the others back, and ends a container that does not start in time", async (room) => {
  const probe = (command: string, more: string): string => `{exec: {command: [sh, -c, ${JSON.stringify(command)}]}, periodSeconds: 1, ${more}}`;
  await room.write("/run/startup.yaml", documents(
    podText("slow", {
      script: `sleep 3; touch /tmp/up; ${WAIT}`,
      container: [`startupProbe: ${probe("test -e /tmp/up", "failureThreshold: 10")}`, `livenessProbe: ${probe("echo live >> /tmp/seen; test -e /tmp/up", "failureThreshold: 1")}`, `readinessProbe: ${probe("test -e /tmp/up", "failureThreshold: 1")}`].join("\n"),
    }),
    podText("never", { container: `startupProbe: ${probe("exit 1", "failureThreshold: 2")}` }),
  ));
  const play = room.start([WHERRY, "play", "/run/startup.yaml"]);
  await eventually(async () => expect(await container(room, "slow")).toMatchObject({ started: false, ready: false, state: { running: {} } }), { within: 5_000 });
  await eventually(async () => expect((await container(room, "never")).restartCount).toBeGreaterThanOrEqual(1), { within: 15_000 });
  expect(await events(room)).toContain("Container main failed startup probe, will be restarted");
  await room.ok(["wait", "pod", "slow", "--for=condition=Ready", "--timeout", pacedDuration(15)]);
  expect(await container(room, "slow")).toMatchObject({ started: true, restartCount: 0 });
  play.kill("SIGINT");
  await play.exited;
}, { timeout: 90_000 });

/** A server of one answer: what it was asked is in /tmp/asked. */
const serve = (port: number, answer: string): string =>
  `printf '#!/bin/sh\\nwhile read -r line; do echo "$line" >> /tmp/asked; [ "\${#line}" -le 1 ] && break; done\\nprintf "${answer}"\\n' > /tmp/serve; chmod +x /tmp/serve; nc -ll -p ${port} -e /tmp/serve & ${WAIT}`;

scenario("httpGet probes ask as the kubelet does: by named port, with headers, 200 to 399", async (room) => {
  const ports = "ports: [{name: http, containerPort: 8080}]";
  const httpGet = (more: string): string => `readinessProbe: {periodSeconds: 1, failureThreshold: 1, httpGet: {port: http, ${more}}}`;
  await room.write("/run/http.yaml", documents(
    podText("good", { script: serve(8080, "HTTP/1.1 204 No Content\\r\\n\\r\\n"), container: `${ports}\n${httpGet("path: '/healthz?full=1', httpHeaders: [{name: X-Probe, value: one}]")}` }),
    podText("moved", { script: serve(8080, "HTTP/1.1 302 Found\\r\\nLocation: http://192.0.2.9/\\r\\nContent-Length: 0\\r\\n\\r\\n"), container: `${ports}\n${httpGet("path: /")}` }),
    podText("bad", { script: serve(8080, "HTTP/1.1 500 Oops\\r\\nContent-Length: 0\\r\\n\\r\\n"), container: `${ports}\n${httpGet("path: /")}` }),
    podText("deaf", { container: `${ports}\n${httpGet("path: /")}` }),
  ));
  const play = await room.wherry(["play", "--timeout", pacedDuration(4), "/run/http.yaml"]);
  expect(play.status).not.toBe(0);
  expect(play.stderr).toContain('pod "default/bad": ProgressDeadlineExceeded: it is not ready: waiting for bad (main: readiness probe: HTTP probe failed with statuscode: 500)');
  expect(play.stderr).toContain("connect: connection refused");
  for (const name of ["good", "moved"]) expect((await conditionOf(room, name, "Ready"))?.status).toBe("True");
  const asked = await inside(room, "good", "cat /tmp/asked");
  for (const line of ["GET /healthz?full=1 HTTP/1.1", "User-Agent: kube-probe/1.34", "Accept: */*", "Connection: close", "X-Probe: one"]) expect(asked).toContain(line);
  expect(asked).not.toContain("Accept-Encoding");
  const said = await events(room);
  expect(said).toContain("Readiness probe failed: HTTP probe failed with statuscode: 500");
  expect(said).toContain("Probe terminated redirects");
  expect(said).toMatch(/Readiness probe failed: Get "http:\/\/10\.[\d.]+:8080\/": dial tcp 10\.[\d.]+:8080: connect: connection refused/);
}, { timeout: 90_000 });

scenario("tcpSocket probes connect, and probes of a pod on the host's network reach the host", async (room) => {
  const probe = (port: number, more = ""): string => `readinessProbe: {periodSeconds: 1, tcpSocket: {port: ${port}${more}}}`;
  await room.write("/run/tcp.yaml", documents(
    podText("open", { script: `nc -ll -p 7001 -e true & ${WAIT}`, container: probe(7001) }),
    podText("host", { script: `nc -ll -p 7002 -e true & ${WAIT}`, container: probe(7002, ", host: 127.0.0.1"), spec: "hostNetwork: true" }),
  ));
  await room.ok(["play", "--timeout", pacedDuration(10), "/run/tcp.yaml"]);
});

scenario("pods without a network are probed from inside their own", async (room) => {
  await room.write("/run/none.yaml", documents(
    podText("good", { script: serve(8080, "HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"), container: "readinessProbe: {periodSeconds: 1, httpGet: {port: 8080}}\nlivenessProbe: {periodSeconds: 1, tcpSocket: {port: 8080}}" }),
    podText("deaf", { container: "readinessProbe: {periodSeconds: 1, httpGet: {port: 8080}}" }),
  ));
  const play = await room.wherry(["play", "--network", "none", "--timeout", pacedDuration(4), "/run/none.yaml"]);
  expect(play.stderr).toContain("waiting for deaf (main: readiness probe: Get \"http://127.0.0.1:8080/\": dial tcp 127.0.0.1:8080: connect: connection refused)");
  expect((await conditionOf(room, "good", "Ready"))?.status).toBe("True");
});

scenario("hooks of pods without a network are called from inside their own", async (room) => {
  const server = JSON.stringify(serve(8081, "HTTP/1.1 204 No Content\\\\r\\\\n\\\\r\\\\n"));
  const sidecars = [
    `- {name: server, image: ${IMAGE}, restartPolicy: Always, command: [sh, -c, ${server}], startupProbe: {periodSeconds: 1, tcpSocket: {port: 8081}}}`,
    `- {name: after, image: ${IMAGE}, restartPolicy: Always, command: [sleep, "100000"], lifecycle: {postStart: {httpGet: {port: 8081, path: /post}}}}`,
  ];
  await room.write("/run/hooks.yaml", podText("web", {
    script: serve(8080, "HTTP/1.1 500 Oops\\\\r\\\\nContent-Length: 0\\\\r\\\\n\\\\r\\\\n"),
    container: "ports: [{name: http, containerPort: 8080}]\nlifecycle: {preStop: {httpGet: {port: http, path: /pre}}}\nreadinessProbe: {periodSeconds: 1, tcpSocket: {port: 8080}}\nvolumeMounts: [{name: tmp, mountPath: /tmp}]",
    spec: `initContainers:\n${sidecars.join("\n")}\nvolumes: [{name: tmp, hostPath: {path: /run/asked, type: DirectoryOrCreate}}]`,
  }));
  await room.ok(["play", "--network", "none", "/run/hooks.yaml"]);
  expect((await container(room, "web", "after")).restartCount).toBe(0);
  const asked = await room.ok(["exec", "web", "-c", "server", "--", "cat", "/tmp/asked"]);
  for (const line of ["GET /post HTTP/1.1", "User-Agent: kube-lifecycle/1.34"]) expect(asked).toContain(line);
  await room.ok(["down", "hooks"]);
  expect((await room.run(["cat", "/run/asked/asked"])).stdout).toContain("GET /pre HTTP/1.1");
});

scenario("a probe that takes too long is killed with all it started, and one that cannot be made counts for nothing", async (room) => {
  await room.write("/run/hang.yaml", documents(
    podText("hangs", { container: "readinessProbe: {exec: {command: [sh, -c, 'sleep 4711; true']}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1}" }),
    podText("missing", { container: "livenessProbe: {exec: {command: [/no/such/program]}, periodSeconds: 1, failureThreshold: 1}" }),
  ));
  await room.wherry(["play", "--timeout", pacedDuration(4), "/run/hang.yaml"]);
  await eventually(async () => expect(await events(room)).toContain('Readiness probe failed: command timed out: "sh -c sleep 4711; true" timed out after 1s'), { within: 10_000 });
  expect((await inside(room, "hangs", "ps | grep -c '[s]leep 4711' || true")).trim()).toMatch(/^[012]$/); // the present one
  expect(await events(room)).toContain("Liveness probe errored and resulted in unknown state:");
  expect((await container(room, "missing")).restartCount).toBe(0);
}, { timeout: 90_000 });

scenario("a readiness gate keeps a pod from being Ready until its condition is set", async (room) => {
  await room.write("/run/gate.yaml", podText("web", { spec: "readinessGates: [{conditionType: example.com/warm}]" }));
  const play = room.start([WHERRY, "play", "/run/gate.yaml"]);
  await room.ok(["wait", "pod", "web", "--for=condition=ContainersReady", "--timeout", pacedDuration(10)]).catch(async () => {
    await eventually(() => room.ok(["wait", "pod", "web", "--for=condition=ContainersReady"]), { within: 10_000 });
  });
  expect(await conditionOf(room, "web", "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady", message: 'corresponding condition of pod readiness gate "example.com/warm" does not exist.' });
  await room.ok(["pod", "set-condition", "web", "example.com/warm=False"]);
  expect(await conditionOf(room, "web", "Ready")).toMatchObject({ message: 'the status of pod readiness gate "example.com/warm" is not "True", but False' });
  await room.ok(["pod", "set-condition", "web", "example.com/warm=True"]);
  expect(await play.exited).toBe(0);
  expect(await conditionOf(room, "web", "Ready")).toMatchObject({ status: "True" });
  expect((await room.wherry(["pod", "set-condition", "web", "Ready=True"])).status).not.toBe(0);
});

scenario("what probes have found outlives the supervisor", async (room) => {
  await room.write("/run/keep.yaml", podText("web", { container: "startupProbe: {exec: {command: ['true']}, periodSeconds: 1}\nreadinessProbe: {exec: {command: ['true']}, periodSeconds: 1}" }));
  await room.ok(["play", "/run/keep.yaml"]);
  const [before, { metadata }] = [await conditionOf(room, "web", "Ready"), await pod(room, "web")];
  await kill(room, await supervisor(room, "keep"));
  await room.ok(["play", "/run/keep.yaml"]);
  expect((await pod(room, "web")).metadata.uid).toBe(metadata.uid);
  expect(await conditionOf(room, "web", "Ready")).toEqual(before);
  expect((await container(room, "web")).restartCount).toBe(0);
});
