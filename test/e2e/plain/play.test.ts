import { expect } from "bun:test";
import { answer, answerOfPod, container, documents, identities, pod, podText, pods } from "../../harness/objects.ts";
import { IMAGE, importTestImage } from "../../harness/image.ts";
import { openPlainRoom, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const SERVER = "echo hello >/www/index.html; exec httpd -f -p 80 -h /www";

scenario("play runs one pod that answers on its host port, and down takes it away", async (room) => {
  await room.write("/run/hello.yaml", podText("web", { script: SERVER, container: "ports: [{containerPort: 80, hostPort: 8080}]" }));
  expect(await room.ok(["play", "/run/hello.yaml"])).toContain("pod/web created");
  const { status } = await pod(room, "web");
  expect(status.phase).toBe("Running");
  expect(status.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  expect(await answer(room, "http://127.0.0.1:8080/")).toBe("hello\n");
  expect(await answerOfPod(room, `http://${status.podIP}/`)).toBe("hello\n");
  expect(await room.ok(["down", "/run/hello.yaml"])).toContain("service/hello removed");
  expect(await pods(room)).toEqual([]);
});

scenario("play runs ten pods, each with an address of its own", async (room) => {
  const names = Array.from({ length: 10 }, (_, index) => `web-${index}`);
  await room.write("/run/ten.yaml", documents(...names.map((name) => podText(name, { script: SERVER }))));
  await room.ok(["play", "/run/ten.yaml"]);
  const all = await pods(room);
  expect(all.map(({ metadata }) => metadata.name).toSorted()).toEqual(names);
  expect(all.every(({ status }) => status.phase === "Running")).toBe(true);
  expect(new Set(all.map(({ status }) => status.podIP)).size).toBe(10);
  for (const { status } of all) expect(await answerOfPod(room, `http://${status.podIP}/`)).toBe("hello\n");
  await room.ok(["down", "ten"]);
});

scenario("a pod whose configuration is wrong is no failure: play tells that it waits, and it starts when that is mended", async (room) => {
  const text = (name: string, more = ""): string => podText(name, { container: `volumeMounts: [{name: v, mountPath: /v, subPath: link}]${more}`, spec: "volumes: [{name: v, hostPath: {path: /run/mended, type: DirectoryOrCreate}}]" });
  await room.run(["sh", "-c", "mkdir -p /run/mended; ln -s /etc /run/mended/link"]);
  await room.write("/run/waits.yaml", documents(text("waits").replace("metadata: {", "metadata: {namespace: trade, "), podText("runs")));
  const play = await room.wherry(["play", "/run/waits.yaml", "-o", "json"]);
  expect([play.status, play.stderr]).toEqual([0, expect.stringContaining('Warning: pod "waits" is not ready: container "main" waits: CreateContainerConfigError: ')]);
  expect(play.stderr).toContain('; it is tried again, "wherry describe pod waits -n trade" shows it\n');
  expect(JSON.parse(play.stdout).waiting).toEqual([{ namespace: "trade", pod: "waits", container: "main", reason: "CreateContainerConfigError", message: expect.any(String) }]);
  expect((await container(room, "runs")).ready).toBe(true);
  const again = await room.wherry(["play", "/run/waits.yaml"]);
  expect([again.status, again.stdout, again.stderr]).toEqual([0, "pod/waits unchanged\npod/runs unchanged\n", expect.stringContaining('Warning: pod "waits" is not ready')]);
  await room.run(["sh", "-c", "rm /run/mended/link; mkdir /run/mended/link"]);
  await room.ok(["wait", "pod", "waits", "-n", "trade", "--for=condition=Ready", "--timeout", "30s"]);
  expect((await room.wherry(["play", "/run/waits.yaml"])).stderr).not.toContain("Warning");
});

scenario("a pod that waits to be mended does not hide one that has failed, nor does starting it by name", async (room) => {
  await room.write("/run/both.yaml", documents(
    podText("waits", { container: "securityContext: {runAsNonRoot: true}" }),
    podText("fails", { container: "imagePullPolicy: Never" }).replace(IMAGE, "localhost/nothing:1"),
  ));
  const play = await room.wherry(["play", "/run/both.yaml"]);
  expect([play.status, play.stderr]).toEqual([1, expect.stringContaining('Cannot start 1 of 2 pods: pod "default/fails": ErrImageNeverPull')]);
  expect(play.stderr).toContain('Warning: pod "waits" is not ready');
  await room.ok(["down", "both"]);
  await room.write("/run/one.yaml", podText("waits", { container: "securityContext: {runAsNonRoot: true}" }));
  await room.ok(["play", "--start=false", "/run/one.yaml"]);
  for (const verb of ["start", "restart"]) { // without a supervisor, then with one
    const start = await room.wherry(["pod", verb, "waits"]);
    expect([start.status, start.stderr]).toEqual([0, expect.stringContaining('Warning: pod "waits" is not ready')]);
  }
});

scenario("a Namespace is recorded with the services that declare it, and one that is only used exists all the same", async (room) => {
  const names = async (): Promise<string> => room.ok(["get", "ns", "-o", "name"]);
  const declared = "apiVersion: v1\nkind: Namespace\nmetadata: {name: trade}\n";
  expect(await names()).toBe("namespace/default\n");
  await room.write("/run/one.yaml", documents(declared, podText("web").replace("metadata: {", "metadata: {namespace: trade, ")));
  await room.write("/run/two.yaml", documents(declared.replace("}", ", labels: {team: a}}"), podText("db").replace("metadata: {", "metadata: {namespace: other, ")));
  expect(await room.ok(["play", "/run/one.yaml"])).toBe("namespace/trade created\npod/web created\n");
  expect(await room.ok(["play", "/run/one.yaml"])).toBe("namespace/trade unchanged\npod/web unchanged\n");
  expect(await room.ok(["play", "/run/two.yaml"])).toBe("namespace/trade created\npod/db created\n");
  await room.write("/run/one.yaml", documents(declared.replace("}", ", labels: {team: b}}"), podText("web").replace("metadata: {", "metadata: {namespace: trade, ")));
  expect(await room.ok(["play", "/run/one.yaml"])).toBe("namespace/trade configured: it changed\npod/web unchanged\n");
  expect(await names()).toBe("namespace/default\nnamespace/other\nnamespace/trade\n");
  expect(JSON.parse(await room.ok(["get", "ns", "trade", "-o", "json"]))).toMatchObject({ metadata: { labels: { team: "b" } }, status: { phase: "Active" } });
  await room.ok(["down", "one"]);
  expect(await room.ok(["describe", "ns", "trade"])).toContain("team=a");
  await room.ok(["down", "two"]);
  expect(await names()).toBe("namespace/default\n");
});

scenario("play runs init containers first, then containers that share network, names and volumes", async (room) => {
  await room.write("/run/shared.yaml", `apiVersion: v1
kind: Pod
metadata: {name: shared}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: data, emptyDir: {}}]
  initContainers:
  - name: fill
    image: ${IMAGE}
    command: [sh, -c, "echo from-init >/data/index.html"]
    volumeMounts: [{name: data, mountPath: /data}]
  containers:
  - name: server
    image: ${IMAGE}
    command: [httpd, -f, -p, "80", -h, /data]
    volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
  - name: client
    image: ${IMAGE}
    command: [sh, -c, "until wget -qO- http://localhost/; do :; done; hostname; exec sleep 100000"]
`);
  await room.ok(["play", "/run/shared.yaml"]);
  const { status } = await pod(room, "shared");
  expect(status.initContainerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(status.containerStatuses?.map(({ ready }) => ready)).toEqual([true, true]);
  const log = room.start([WHERRY, "logs", "shared", "-c", "client", "-f"]);
  expect(await log.says(/shared\n/)).toContain("from-init\nshared\n");
  log.kill("SIGINT");
  expect((await room.wherry(["exec", "shared", "-c", "server", "--", "touch", "/data/x"])).status).not.toBe(0);
  expect(await room.ok(["exec", "shared", "-c", "client", "--", "cat", "/proc/sys/kernel/hostname"])).toBe("shared\n");
});

scenario("play of the same file says unchanged and touches nothing", async (room) => {
  await room.write("/run/same.yaml", documents(podText("one"), podText("two")));
  await room.ok(["play", "/run/same.yaml"]);
  const before = await identities(room);
  const said = await room.ok(["play", "/run/same.yaml"]);
  expect(said).toContain("pod/one unchanged");
  expect(said).toContain("pod/two unchanged");
  expect(await identities(room)).toEqual(before);
});

scenario("play of a changed file replaces only what changed, and removes what left it", async (room) => {
  await room.write("/run/change.yaml", documents(podText("kept"), podText("changed"), podText("left")));
  await room.ok(["play", "/run/change.yaml"]);
  const before = await identities(room);
  await room.write("/run/change.yaml", documents(podText("kept"), podText("changed", { container: "env: [{name: A, value: b}]" }), podText("new")));
  const dry = await room.ok(["play", "--dry-run", "/run/change.yaml"]);
  expect(dry).toContain("pod/changed replaced");
  expect(await identities(room)).toEqual(before);
  const said = await room.ok(["play", "/run/change.yaml"]);
  for (const line of ["pod/kept unchanged", "pod/changed replaced", "pod/left removed", "pod/new created"]) expect(said).toContain(line);
  const after = await identities(room);
  expect(Object.keys(after).toSorted()).toEqual(["changed", "kept", "new"]);
  expect(after["kept"]).toBe(before["kept"] ?? "");
  expect(after["changed"]).not.toBe(before["changed"] ?? "");
});

scenario("play replaces the pods that refer to a changed ConfigMap, and only those", async (room) => {
  const config = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: ${value}}\n`;
  const user = podText("user", { container: "envFrom: [{configMapRef: {name: settings}}]" });
  await room.write("/run/config.yaml", documents(config("red"), user, podText("other")));
  await room.ok(["play", "/run/config.yaml"]);
  const before = await identities(room);
  await room.write("/run/config.yaml", documents(config("blue"), user, podText("other")));
  await room.ok(["play", "/run/config.yaml"]);
  const after = await identities(room);
  expect(after["other"]).toBe(before["other"] ?? "");
  expect(after["user"]).not.toBe(before["user"] ?? "");
  expect(await room.ok(["exec", "user", "--", "sh", "-c", "echo $colour"])).toBe("blue\n");
});

scenario("play --replace remakes all pods", async (room) => {
  await room.write("/run/all.yaml", documents(podText("one"), podText("two")));
  await room.ok(["play", "/run/all.yaml"]);
  const before = await identities(room);
  await room.ok(["play", "--replace", "/run/all.yaml"]);
  const after = await identities(room);
  expect(Object.keys(after).toSorted()).toEqual(["one", "two"]);
  for (const [name, uid] of Object.entries(before)) expect(after[name]).not.toBe(uid);
});

scenario("play --dry-run of a new file prints the plan and makes nothing", async (room) => {
  await room.write("/run/dry.yaml", podText("web"));
  const before = await room.leaks();
  expect(await room.ok(["play", "--dry-run", "/run/dry.yaml"])).toContain("pod/web created (dry run)");
  expect(await room.leaks()).toEqual(before);
  expect(await pods(room)).toEqual([]);
});

scenario("play --start=false records the pods, and pod start runs them", async (room) => {
  await room.write("/run/later.yaml", podText("later"));
  await room.ok(["play", "--start=false", "/run/later.yaml"]);
  expect((await pod(room, "later")).status.phase).toBe("Pending");
  await room.ok(["pod", "start", "later"]);
  expect((await pod(room, "later")).status.phase).toBe("Running");
});

scenario("play reads stdin, lists and several documents; --name names the service", async (room) => {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [{ apiVersion: "v1", kind: "Pod", metadata: { name: "listed" }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: IMAGE, command: ["sleep", "100000"] }] } }] });
  await room.ok(["play", "--name", "piped", "-"], { stdin: documents(podText("one"), `${list}\n`) });
  expect(Object.keys(await identities(room)).toSorted()).toEqual(["listed", "one"]);
  expect(await room.ok(["ps", "-q"])).toBe("piped\n");
  await room.ok(["down", "piped"]);
});

scenario("play --publish, --network=none and --annotation do what Podman's do", async (room) => {
  await room.write("/run/flags.yaml", podText("web", { script: SERVER, container: "ports: [{containerPort: 80}]" }));
  await room.ok(["play", "--publish", "8081:80", "--annotation", "team=blue", "/run/flags.yaml"]);
  expect(await answer(room, "http://127.0.0.1:8081/")).toBe("hello\n");
  expect(await room.ok(["get", "pod", "web", "-o", "yaml"])).toContain("team: blue");
  await room.ok(["down", "flags"]);
  await room.ok(["play", "--network", "none", "/run/flags.yaml"]);
  expect(await room.ok(["exec", "web", "--", "sh", "-c", "ls /sys/class/net || ip -o link | wc -l"])).not.toContain("eth0");
});

scenario("play --configmap takes ConfigMaps from another file", async (room) => {
  await room.write("/run/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: green}\n");
  await room.write("/run/outside.yaml", podText("user", { container: "envFrom: [{configMapRef: {name: settings}}]" }));
  await room.ok(["play", "--configmap", "/run/settings.yaml", "/run/outside.yaml"]);
  expect(await room.ok(["exec", "user", "--", "sh", "-c", "echo $colour"])).toBe("green\n");
});

scenario("play --wait stays until the pods have ended, and takes the service down", async (room) => {
  await room.write("/run/job.yaml", podText("job", { script: "echo done", restartPolicy: "Never" }));
  await room.ok(["play", "--wait", "/run/job.yaml"]);
  expect(await pods(room)).toEqual([]);
});

scenario("play with hostNetwork uses the machine's own network", async (room) => {
  await room.write("/run/host.yaml", podText("host", { script: "echo hello >/www/index.html; exec httpd -f -p 8082 -h /www", spec: "hostNetwork: true" }));
  await room.ok(["play", "/run/host.yaml"]);
  expect(await answer(room, "http://127.0.0.1:8082/")).toBe("hello\n");
});

scenario("down takes a file, a name or --all, twice without complaint", async (room) => {
  for (const name of ["one", "two", "three"]) {
    await room.write(`/run/${name}.yaml`, podText(name));
    await room.ok(["play", `/run/${name}.yaml`]);
  }
  await room.ok(["down", "/run/one.yaml"]);
  expect(Object.keys(await identities(room)).toSorted()).toEqual(["three", "two"]);
  await room.ok(["down", "two"]);
  await room.ok(["down", "--all"]);
  expect(await pods(room)).toEqual([]);
  await room.ok(["down", "--all"]);
  await room.ok(["down", "/run/two.yaml"]);
  expect((await room.wherry(["down", "nothing"])).status).toBe(1);
});

scenario("kube play and kube down are the same commands", async (room) => {
  await room.write("/run/kube.yaml", podText("web"));
  await room.ok(["kube", "play", "--replace", "-q", "/run/kube.yaml"]);
  expect((await pod(room, "web")).status.phase).toBe("Running");
  await room.ok(["kube", "down", "/run/kube.yaml"]);
  expect(await pods(room)).toEqual([]);
});

scenario("a failed play says what was and was not done, and keeps the failed container's status", async (room) => {
  await room.write("/run/half.yaml", documents(podText("good"), podText("bad", { container: "workingDir: /", restartPolicy: "Never" }).replace("command: [sh, -c", "command: [/no/such/program, -c")));
  const { status, stderr } = await room.wherry(["play", "/run/half.yaml"]);
  expect(status).toBe(1);
  expect(stderr).toContain("bad");
  expect(stderr).toContain("/no/such/program");
  expect((await pod(room, "good")).status.phase).toBe("Running");
  const { state } = await container(room, "bad");
  expect(state.waiting?.reason ?? state.terminated?.reason).toMatch(/^(CreateContainer|RunContainer|Start)Error$/);
});

scenario("two services may not hold the same pod name or host port", async (room) => {
  const port = "ports: [{containerPort: 80, hostPort: 8083}]";
  await room.write("/run/first.yaml", podText("web", { container: port }));
  await room.write("/run/second.yaml", podText("web"));
  await room.write("/run/third.yaml", podText("other", { container: port }));
  await room.ok(["play", "/run/first.yaml"]);
  const before = await identities(room);
  for (const file of ["second", "third"]) {
    const { status, stderr } = await room.wherry(["play", `/run/${file}.yaml`]);
    expect(status).toBe(125);
    expect(stderr).toContain("first");
  }
  expect(await identities(room)).toEqual(before);
});

scenario("directories of one's own keep services apart", async (room) => {
  const env = { WHERRY_ROOT: "/run/own/lib", WHERRY_RUNROOT: "/run/own/run", WHERRY_LOGS: "/run/own/log" };
  await room.run(["mkdir", "/run/own"]); // by whom it is to belong to
  await importTestImage(room, env);
  await room.write("/run/own/apart.yaml", podText("apart", { spec: "hostNetwork: true" }));
  await room.ok(["play", "/run/own/apart.yaml"], { env });
  expect(await pods(room)).toEqual([]);
  expect(await room.ok(["get", "pods", "-o", "name"], { env })).toBe("pod/apart\n");
  await room.ok(["down", "--all"], { env });
  // A user has namespaces of their own for each runtime directory.
  await room.run(["sh", "-c", 'test ! -e "$1" || systemctl --user stop "$(sed -n "s|^0::.*/||p" "/proc/$(cut -d " " -f 1 "$1")/cgroup")"', "-", "/run/own/run/rootless/holder"]);
  await room.run(["rm", "-rf", "/run/own"]);
});
