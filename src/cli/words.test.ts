import { describe, expect, test } from "bun:test";
import { humanDuration, parseCount, parseDuration } from "./age.ts";
import { type Context, contextOf, pathsOf, type Surroundings } from "./context.ts";
import { containersOf, chooseContainer, podWord } from "./find.ts";
import { hideSecrets } from "./hide.ts";
import { humanSize } from "./size.ts";
import { parseSelector } from "./selector.ts";
import { namespace } from "../spec/spec.ts";
import { containerSpec } from "../pod/testing.ts";
import { fill, stdinOf, world } from "./testing.ts";
import { engineOf } from "./wiring.ts";

function contextFrom(env: Record<string, string>, isTerminal = false): Context {
  const writer = { isTerminal, write: async () => true };
  const around: Surroundings = {
    env, uid: 0, home: "/home/u", cwd: "/somewhere", self: ["wherry"], inside: false, enter: () => Promise.reject(new Error("not here")), stdout: writer, stderr: writer, stdin: stdinOf("", isTerminal), columns: () => 80, screen: () => ({ columns: 80, rows: 24 }),
    now: () => 0, node: () => ({ name: "", ip: "" }), interrupted: async () => {}, engine: engineOf,
  };
  return contextOf(around, {});
}

describe("age", () => {
  const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H;
  test.each([
    [-5 * S, "<invalid>"], [-500, "0s"], [0, "0s"], [119 * S, "119s"], [120 * S, "2m"], [200 * S, "3m20s"], [10 * M + S, "10m"], [179 * M, "179m"],
    [3 * H, "3h"], [5 * H + 2 * M, "5h2m"], [8 * H + M, "8h"], [47 * H, "47h"], [2 * D, "2d"], [3 * D + 4 * H, "3d4h"], [8 * D, "8d"], [729 * D, "729d"], [730 * D, "2y"], [800 * D, "2y70d"], [3000 * D, "8y"],
  ] as const)("humanDuration() of %p is %s", (span, text) => {
    expect(humanDuration(span)).toBe(text);
  });

  test.each([["0", 0], ["5m", 5 * M], ["1h30m", 90 * M], ["1.5s", 1500], ["250ms", 250]] as const)("parseDuration() of %s is %p", (text, span) => {
    expect(parseDuration(text)).toBe(span);
  });

  test("parseDuration() and parseCount() refuse anything else", () => {
    for (const text of ["", "5", "m", "5 m", "-5s", "5d"]) expect(() => parseDuration(text)).toThrow("must be like 30s");
    expect([parseCount("-1", "tail"), parseCount("20", "tail")]).toEqual([-1, 20]);
    for (const text of ["", "-2", "1.5", "x"]) expect(() => parseCount(text, "tail")).toThrow("whole number");
  });
});

describe("humanSize", () => {
  test.each([[0, "0B"], [999, "999B"], [1000, "1kB"], [4_860_000, "4.86MB"], [46_100_000, "46.1MB"], [7.5e13, "75TB"], [7.5e15, "7500TB"]] as const)("humanSize() of %p is %s", (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });
});

describe("imageEnvironment", () => {
  test("contextOf() hands on what skopeo may know, and nothing else", () => {
    const { imageEnvironment } = contextFrom({ HOME: "/h", REGISTRY_AUTH_FILE: "/a", https_proxy: "p", NOTIFY_SOCKET: "@n", PATH: "/evil", LD_PRELOAD: "x" });
    expect(imageEnvironment).toEqual({ HOME: "/h", REGISTRY_AUTH_FILE: "/a", https_proxy: "p" });
  });
});

describe("parseSelector", () => {
  const labels = { app: "shop", tier: "front" };
  test.each([
    ["", true], ["app=shop", true], ["app==shop", true], ["app=other", false], ["app!=other", true], ["app!=shop", false], ["missing!=x", true], ["app=shop,tier=front", true], ["app=shop,tier=back", false],
    ["app in (shop,other)", true], ["app in (x, y)", false], ["app notin (x)", true], ["app notin (shop)", false], ["missing notin (x)", true], ["app", true], ["missing", false], ["!missing", true], ["!app", false], ["app in (shop),!missing", true], ["constructor", false],
  ] as const)("parseSelector() of %p matches: %p", (text, expected) => {
    expect(parseSelector(text)(labels)).toBe(expected);
  });

  test("parseSelector() refuses what is no selector", () => {
    for (const text of ["a=b=c", "a in b", "=x", "a >"]) expect(() => parseSelector(text)).toThrow("as a label selector");
  });
});

describe("find", () => {
  test("podWord() takes pod/NAME in its spellings", () => {
    expect(["web", "pod/web", "pods/web", "po/web"].map(podWord)).toEqual(["web", "web", "web", "web"]);
    expect(() => podWord("job/web")).toThrow("it must be the name of a pod");
  });

  test("chooseContainer() takes the first main container and says so, or the one that is annotated", () => {
    using place = world();
    const { web } = fill(place);
    const containers = containersOf(place.runtime, web);
    expect(chooseContainer(web, containers, undefined)).toMatchObject({ container: { name: "nginx" }, note: 'Defaulted container "nginx" out of: nginx, side, setup (init)' });
    expect(chooseContainer(web, containers, "setup")).toMatchObject({ container: { name: "setup" }, note: "" });
    const annotated = { ...web, pod: { ...web.pod, metadata: { ...web.pod.metadata, annotations: { "kubectl.kubernetes.io/default-container": "side" } } } };
    expect(chooseContainer(annotated, containers, undefined)).toMatchObject({ container: { name: "side" }, note: "" });
    expect(() => chooseContainer(web, containers, "ngnix")).toThrow('Cannot find container "ngnix" in pod "web": it does not exist');
  });
});

describe("hideSecrets", () => {
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "login", namespace: namespace("default"), labels: {}, annotations: {} }, type: "Opaque", data: { password: Buffer.from("hunter2").toString("base64") } } as const;
  const config = { process: { env: ["PATH=/bin", "MODE=fast", "PW=hunter2", "URL=db://u:hunter2@h", "X_password=hunter2"], args: ["run", "--password=hunter2"] }, root: {} };
  const shown = (container: Parameters<typeof hideSecrets>[1], secrets = [secret]): unknown => hideSecrets(config, container, secrets);

  test("hideSecrets() hides variables from Secrets, and what contains their values", () => {
    const own = containerSpec("c", { env: [{ name: "MODE", value: "fast" }, { name: "PW", valueFrom: { secretKeyRef: { name: "login", key: "password" } } }] });
    expect(shown(own)).toEqual({ process: { env: ["PATH=/bin", "MODE=fast", "PW=<hidden>", "URL=<hidden>", "X_password=<hidden>"], args: ["run", "<hidden>"] }, root: {} });
    expect(shown(own, [])).toEqual(shown(own));
  });

  test("hideSecrets() hides what envFrom loads; everything undeclared when that Secret is not known", () => {
    const loaded = containerSpec("c", { env: [{ name: "MODE", value: "fast" }], envFrom: [{ prefix: "X_", secretRef: { name: "login" } }] });
    expect(shown(loaded)).toMatchObject({ process: { env: ["PATH=/bin", "MODE=fast", "PW=<hidden>", "URL=<hidden>", "X_password=<hidden>"] } });
    expect(shown(loaded, [])).toMatchObject({ process: { env: ["PATH=<hidden>", "MODE=fast", "PW=<hidden>", "URL=<hidden>", "X_password=<hidden>"] } });
  });

  test("hideSecrets() leaves other containers alone", () => {
    expect(shown(containerSpec("c"))).toEqual(config);
    expect(hideSecrets(null, containerSpec("c"), [secret])).toBeNull();
  });
});

describe("pathsOf", () => {
  const around = (env: Record<string, string>, uid = 0) => ({ env, uid, home: "/home/u", cwd: "/somewhere", self: ["wherry"], inside: false });
  test.each([
    [{}, 0, {}, ["/var/lib/wherry", "/run/wherry", "/var/log/wherry"]],
    [{}, 1000, {}, ["/home/u/.local/share/wherry", "/run/user/1000/wherry", "/home/u/.local/share/wherry/logs"]],
    [{ XDG_RUNTIME_DIR: "/x", XDG_DATA_HOME: "/d" }, 1000, {}, ["/d/wherry", "/x/wherry", "/d/wherry/logs"]],
    [{ WHERRY_ROOT: "/r", WHERRY_RUNROOT: "/rr", WHERRY_LOGS: "/l" }, 0, {}, ["/r", "/rr", "/l"]],
    [{ WHERRY_ROOT: "/r" }, 0, { root: "here", runroot: "/rr" }, ["/somewhere/here", "/rr", "/somewhere/here/logs"]],
  ] as const)("pathsOf() with %p, user %p and %p", (env, uid, globals, [durable, runtime, logs]) => {
    expect(pathsOf(around(env, uid), globals)).toEqual({ durable, runtime, logs, self: ["wherry"] });
  });

  test("contextOf() gives colours to terminals only, and not against NO_COLOR", () => {
    const colour = (isTerminal: boolean, env: Record<string, string>): boolean => contextFrom(env, isTerminal).colour;
    expect([colour(true, {}), colour(false, {}), colour(true, { NO_COLOR: "1" })]).toEqual([true, false, false]);
  });
});
