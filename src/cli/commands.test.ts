import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundleDirectory } from "../base/paths.ts";
import { ID, MINUTE, NOW } from "../pod/testing.ts";
import { serviceName } from "../spec/spec.ts";
import { fill, type World, world } from "./testing.ts";

let place: World;
let pods: ReturnType<typeof fill>;
beforeEach(() => {
  place = world();
  pods = fill(place);
});
afterEach(() => place[Symbol.dispose]());

const TESTDATA = `${import.meta.dir}/testdata`;

/** Compares with a golden file; one that is missing is written, to be read before it is committed. */
function golden(name: string, text: string): void {
  const path = `${TESTDATA}/${name}.txt`;
  const shown = text.replaceAll(place.paths.logs, "LOGS").replaceAll(place.paths.runtime, "RUN").replaceAll(place.paths.durable, "LIB");
  if (!existsSync(path)) writeFileSync(path, shown);
  expect(shown).toBe(readFileSync(path, "utf8"));
}

const show = async (...argv: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await place.cli(argv);
  return `$ wherry ${argv.join(" ")}\n${stdout}${stderr === "" ? "" : `[stderr] ${stderr}`}${status === 0 ? "" : `[status ${status}]\n`}`;
};
const showAll = async (lines: readonly string[]): Promise<string> => {
  const shown: string[] = [];
  for (const line of lines) shown.push(await show(...line.split(" ")));
  return shown.join("\n");
};

describe("commands", () => {
  test("ps shows services with their pods", async () => {
    golden("ps", await showAll(["ps", "ps -a", "ps -q", "ps -a -q", "ps -o wide", "ps old", "ps -o json", "ps shpo"]));
  });

  test("get shows tables as kubectl does", async () => {
    golden("get", await showAll([
      "get pods", "get po -A -o wide", "get pods web", "get pod/web cm/settings", "get pods,configmaps", "get pods -l app=shop", "get pods -l app=other", "get pods -o name", "get cm", "get secrets -o wide",
      "get events", "get pods -n empty", "get pods wbe", "get pods web -n empty", "get pods -A web", "get deployment", "get secret nothing", "get pod/", "get pods -w -o name pods2",
    ]));
  });

  test("get and describe show namespaces: those that are declared, those in use, and default", async () => {
    golden("namespaces", await showAll(["get ns", "get namespaces -A", "get ns trade -o yaml", "get ns -l app=shop -o name", "get ns nothing", "describe ns", "describe namespace nothing", "get pv -A"]));
  });

  test("get -o json and -o yaml are Kubernetes objects, without values of Secrets", async () => {
    golden("get-pod", await show("get", "pod", "web", "-o", "yaml"));
    golden("get-objects", await showAll(["get cm,secrets -o json", "get events -o yaml"]));
    const list = JSON.parse((await place.cli(["get", "pods", "-A", "-o", "json"])).stdout);
    expect([list.kind, list.apiVersion, list.items.length]).toEqual(["List", "v1", 2]);
  });

  test("describe shows pods as kubectl does, and services", async () => {
    golden("describe", await showAll(["describe pod web", "describe po/job", "describe service shop", "describe service/old", "describe pod nothing", "describe job x", "describe pod -n empty"]));
    const all = await place.cli(["describe", "pods"]);
    expect(all.stdout.match(/^Name: .*/gm)).toEqual(["Name:         job", "Name:         web"]);
  });

  test("events are those of a namespace or an object", async () => {
    golden("events", await showAll(["events", "events -A", "events --for pod/web", "events --types Normal", "events -n empty", "events --for web"]));
  });

  test("validate shows all problems at once, and as JSON", async () => {
    const stdin = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, imag: x}]}\n";
    const text = await place.cli(["validate", "-"], { stdin });
    expect([text.status, text.stdout.includes("<stdin>:4"), text.stdout.includes("imag")]).toEqual([3, true, true]);
    const json = await place.cli(["validate", "-", "-o", "json"], { stdin });
    expect([json.status, JSON.parse(json.stdout)[0].line]).toEqual([3, 4]);
    expect(await place.cli(["validate", "-"], { stdin: stdin.replace("imag:", "image:") })).toMatchObject({ status: 0, stdout: "-: 1 object, no problems\n" });
    expect(await place.cli(["validate", "none.yaml"])).toMatchObject({ status: 1, stdout: "" });
  });

  test("validate and play take several files in one --configmap, as podman does", async () => {
    const map = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`;
    for (const name of ["one", "two"]) writeFileSync(`${place.paths.durable}/${name}.yaml`, map(name));
    const stdin = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: x, envFrom: [{configMapRef: {name: one}}, {configMapRef: {name: two}}]}]}\n";
    expect(await place.cli(["validate", "-", "--configmap", "one.yaml,two.yaml"], { stdin })).toMatchObject({ status: 0 });
    expect(await place.cli(["validate", "-", "--configmap", "one.yaml"], { stdin })).toMatchObject({ status: 3 });
  });

  test("down tells a service that is not there from one that it has removed, and refuses a file of two services", async () => {
    expect(await place.cli(["down", "nothing.yaml"])).toMatchObject({ status: 0, stdout: "service/nothing is not there: nothing to remove\n" });
    for (const name of ["one", "two"]) {
      place.durable.putService({ name: serviceName(name), files: ["/x/both.yaml"], texts: [""], options: { exitPolicy: "none", network: "bridge", publish: [] }, revision: 1, playedAt: NOW }, []);
    }
    expect(await place.cli(["down", "/x/both.yaml"])).toMatchObject({ status: 2, stderr: expect.stringContaining("one, two") });
  });

  test("inspect shows services, pods, containers and the service container", async () => {
    const bundle = bundleDirectory(place.paths, pods.web.uid, ID("a"));
    mkdirSync(bundle, { recursive: true });
    writeFileSync(`${bundle}/config.json`, JSON.stringify({ process: { args: ["nginx"], env: ["PASSWORD=hunter2"] } }));
    const inspect = async (word: string): Promise<unknown> => JSON.parse((await place.cli(["inspect", word])).stdout)[0];
    const config = { process: { args: ["nginx"], env: ["PASSWORD=<hidden>"] } };
    expect(await inspect("web")).toMatchObject({ kind: "Pod", name: "web", ports: ["8080->80/tcp"], object: { kind: "Pod" }, containers: [{ name: "setup", config: null }, { name: "nginx", config }, {}] });
    expect(await inspect("web/nginx")).toMatchObject({ kind: "Container", name: "nginx", bundle, config });
    expect(await inspect("aaaaaa")).toMatchObject({ kind: "Container", name: "nginx" });
    expect(await inspect("shop-service")).toMatchObject({ kind: "ServiceContainer", id: ID("5") });
    expect(await inspect("shop")).toMatchObject({ kind: "Service", name: "shop", pods: [{ name: "web" }, { name: "job" }], serviceContainer: { id: ID("5") } });
    expect((await place.cli(["inspect", "shop", "web", "-o", "yaml"])).stdout).not.toContain(Buffer.from("hunter2").toString("base64"));
    expect(await place.cli(["inspect", "nothing"])).toMatchObject({ status: 1 });
  });

  test("exec wants the command after --, and a running container", async () => {
    golden("exec", await showAll(["exec web ls", "exec web", "exec web --", "exec job -- ls", "exec web -c setup -- ls"]));
  });

  test("wait ends when pods meet the condition", async () => {
    expect(await place.cli(["wait", "pod", "web", "--for=condition=Ready"])).toEqual({ status: 0, stdout: "pod/web condition met\n", stderr: "" });
    const later = place.cli(["wait", "pod", "--all", "--for=condition=ready"], { onOutput: () => void place.runtime.updatePod(pods.job.uid, { readyAt: NOW }) });
    expect((await later).stdout).toBe("pod/web condition met\npod/job condition met\n");
    const gone = await place.cli(["wait", "pod/job", "--for=delete"], { onWatch: () => place.runtime.removePod(pods.job.uid) });
    expect(gone.stdout).toBe("pod/job condition met\n");
    expect(await place.cli(["wait", "pod/job", "--for=delete"])).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("wait gives up after its time, and refuses what it cannot wait for", async () => {
    golden("wait", await showAll(["wait pod job --for=condition=Ready --timeout 10ms", "wait pod nothing --for=condition=Ready", "wait pod web", "wait pod web --for=ready", "wait pod --for=delete", "wait job/x --for=delete"]));
  });

  test("ps --watch and get --watch show changes as they happen", async () => {
    let frames = 0;
    const watched = await place.cli(["get", "pods", "-w"], {
      onOutput: () => {
        frames += 1;
        if (frames === 1) place.runtime.updatePod(pods.web.uid, { wanted: "removed" });
        return frames < 2;
      },
    });
    expect(watched.stdout.split("\n").map((line) => line.split(/\s+/).slice(0, 3).join(" "))).toEqual(["NAME READY STATUS", "job 0/1 CrashLoopBackOff", "web 2/2 Running", "web 2/2 Terminating", ""]);
    expect((await place.cli(["ps", "-w"], { onOutput: () => false })).stdout).toContain("CrashLoopBackOff");
  });

  test("events --watch shows each event once more when it is repeated", async () => {
    const event = { service: serviceName("shop"), namespace: pods.job.pod.metadata.namespace, kind: "Pod", name: "job", uid: pods.job.uid, fieldPath: "", type: "Normal", reason: "Pulled", message: "again" } as const;
    let frames = 0;
    const { stdout } = await place.cli(["events", "-w", "--for", "pod/job"], {
      onOutput: () => {
        frames += 1;
        if (frames < 3) place.runtime.addEvent(event, NOW - MINUTE + frames);
        return frames < 3;
      },
    });
    expect(stdout.split("\n").filter((line) => line.includes("again")).length).toBe(2);
  });

  test("version, help and completion come from the table", async () => {
    expect((await place.cli(["version"])).stdout).toMatch(/^wherry \d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await place.cli(["version", "-o", "json"])).stdout)).toHaveProperty("version");
    expect((await place.cli(["help", "logs"])).stdout).toBe((await place.cli(["logs", "--help"])).stdout);
    for (const shell of ["bash", "zsh", "fish"]) expect((await place.cli(["completion", shell])).stdout).toContain("__complete");
    expect((await place.cli(["image"])).status).toBe(2);
  });

  test("__complete offers commands, options, values and live names", async () => {
    const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await place.cli(["__complete", "--", ...words])).stdout.trimEnd().split("\n").map((line) => line.split("\t")[0] ?? "");
    expect(await complete("lo")).toEqual(["logs", "login", "logout"]);
    expect(await complete("image", "i")).toEqual(["inspect", "import"]);
    expect(await complete("logs", "w")).toEqual(["web"]);
    expect(await complete("logs", "web", "-c", "")).toEqual(["setup", "nginx", "side"]);
    expect(await complete("logs", "--al")).toEqual(["--all-containers"]);
    expect(await complete("get", "po")).toEqual(["pods"]);
    expect(await complete("get", "cm", "")).toEqual(["settings"]);
    expect(await complete("get", "pods", "-o", "j")).toEqual(["json"]);
    expect(await complete("get", "pods", "--output=y")).toEqual(["--output=yaml"]);
    expect(await complete("describe", "service", "s")).toEqual(["shop"]);
    expect(await complete("validate", "x")).toEqual([":files"]);
    expect(await complete("nonsense", "x")).toEqual([""]);
  });

  test("errors are JSON on stdout with -o json, else sentences on stderr", async () => {
    const { status, stdout, stderr } = await place.cli(["get", "pods", "wbe", "-o", "json"]);
    expect([status, stderr, JSON.parse(stdout)]).toEqual([1, "", { error: { kind: "notFound", code: "ENOTFOUND", message: 'Cannot find pod "wbe" in namespace "default": it does not exist', hint: 'did you mean "web"?' } }]);
    expect(await place.cli(["get", "--tial"])).toEqual({ status: 2, stdout: "", stderr: 'Error: Cannot use option "--tial": there is no such option\nHint: see --help\n' });
  });

  test("commands that read need no database", async () => {
    using empty = world();
    const nothing = { status: 0, stderr: "" };
    expect(await empty.cli(["ps"])).toMatchObject(nothing);
    expect(await empty.cli(["image", "ls", "-q"])).toMatchObject({ ...nothing, stdout: "" });
  });
});
