import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { answer, container, podText } from "../../harness/objects.ts";
import { openPlainRoom, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

/** Listens on the loopback interface only, as databases do. */
const server = (port: number): string => `mkdir -p /www; echo "hello from $HOSTNAME" >/www/index.html; httpd -f -p 127.0.0.1:${port} -h /www & until test -e /end; do sleep 0.05; done`;

scenario("port-forward reaches what listens on localhost in a pod, across restarts, until it is interrupted", async (room) => {
  await room.write("/run/web.yaml", podText("web", { script: server(80), container: "ports: [{name: http, containerPort: 80}]" }));
  await room.ok(["play", "/run/web.yaml"]);
  const forward = room.start([WHERRY, "port-forward", "web", "8080:80", ":http"]);
  const said = await forward.says(/Forwarding from \[::1\]:(?!8080)(\d+) -> 80/);
  expect(said).toContain("Forwarding from 127.0.0.1:8080 -> 80\nForwarding from [::1]:8080 -> 80\nForwarding from 127.0.0.1:");
  const free = /:(?!8080)(\d+) -> 80/.exec(said)?.[1] ?? "";
  for (const url of ["http://127.0.0.1:8080/", "http://[::1]:8080/", `http://127.0.0.1:${free}/`]) expect(await answer(room, url)).toBe("hello from web\n");
  expect(forward.output()).toContain("Handling connection for 8080");
  await room.ok(["exec", "web", "--", "touch", "/end"]);
  await eventually(async () => expect(await container(room, "web")).toMatchObject({ restartCount: 1, state: { running: {} } }), { within: 15_000 });
  expect(await answer(room, "http://127.0.0.1:8080/")).toBe("hello from web\n");
  const taken = await room.wherry(["port-forward", "web", "8080:80"]);
  expect(taken).toMatchObject({ status: 1, stdout: "" });
  expect(taken.stderr).toContain("EADDRINUSE");
  forward.kill("SIGINT");
  expect(await forward.exited).toBe(0);
});

scenario("port-forward says what it cannot reach, and ends when the pod is gone", async (room) => {
  await room.write("/run/none.yaml", podText("none"));
  await room.ok(["play", "/run/none.yaml"]);
  const forward = room.start([WHERRY, "port-forward", "none", "8081:81", "--address", "127.0.0.1"]);
  await forward.says(/Forwarding/);
  expect((await room.run(["busybox", "wget", "-qO-", "http://127.0.0.1:8081/"])).status).not.toBe(0);
  await forward.says(/failed to connect to localhost:81 in it: /);
  await room.ok(["pod", "rm", "none"]);
  expect(await forward.exited).toBe(1);
  expect(forward.output()).toContain("it is gone");
  expect((await room.wherry(["port-forward", "none", "80"])).stderr).toContain("does not exist");
});

scenario("port-forward to a pod on the host's network reaches the host", async (room) => {
  await room.write("/run/host.yaml", podText("host", { script: server(8083), spec: "hostNetwork: true" }));
  await room.ok(["play", "/run/host.yaml"]);
  const forward = room.start([WHERRY, "port-forward", "host", "8084:8083"]);
  await forward.says(/Forwarding/);
  expect(await answer(room, "http://127.0.0.1:8084/")).toContain("hello from");
  forward.kill("SIGTERM");
  expect(await forward.exited).toBe(0);
});
