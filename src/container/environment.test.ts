import { expect, test } from "bun:test";
import type { ConfigMap, Container, Secret } from "../spec/spec.ts";
import { namespace } from "../spec/spec.ts";
import { kubernetesVariables } from "./serviceVariables.ts";
import { type EnvironmentSources, resolveEnvironment } from "./environment.ts";
import { expand } from "./expand.ts";
import { containerOf, podOf } from "./fixtures.ts";

const meta = (name: string, inside = "default") => ({ name, namespace: namespace(inside), labels: {}, annotations: {} });
const configMap = (name: string, data: Record<string, string>, inside?: string): ConfigMap =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: meta(name, inside), data, binaryData: { bin: "AAAA" } });
const secret = (name: string, data: Record<string, string>): Secret =>
  ({ apiVersion: "v1", kind: "Secret", metadata: meta(name), type: "Opaque", data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])) });

const SOURCES: EnvironmentSources = {
  pod: podOf([containerOf({ resources: { limits: { memory: "64Mi" } } })]), uid: "u-1", node: { name: "host", ip: "192.0.2.1" }, podIPs: ["10.89.0.2"],
  allocatable: { cpu: "2" }, services: [], fileOf: ({ path }) => (path === "made.env" ? "K='v'" : undefined),
  configMaps: [configMap("cm", { A: "1", B: "2", "1x": "bad" }), configMap("elsewhere", { Z: "9" }, "other")],
  secrets: [secret("s", { P: "pw", A: "from secret" })],
};
const pairs = (container: Partial<Container>): readonly string[] =>
  resolveEnvironment(containerOf(container), SOURCES).env.map(({ name, value }) => `${name}=${value}`);

test("resolveEnvironment lets env win over envFrom, and later sources over earlier ones", () => {
  const envFrom = [{ configMapRef: { name: "cm" } }, { secretRef: { name: "s" } }];
  expect(pairs({ envFrom, env: [{ name: "B", value: "own" }] })).toEqual(["A=from secret", "B=own", "P=pw"]);
});

test("resolveEnvironment begins with the variables of Services, which the container's own may use and replace", () => {
  const own = [{ name: "URL", value: "https://$(KUBERNETES_SERVICE_HOST)" }, { name: "KUBERNETES_SERVICE_PORT", value: "" }];
  const env = new Map(resolveEnvironment(containerOf({ env: own }), { ...SOURCES, services: kubernetesVariables("10.89.255.254") }).env.map(({ name, value }) => [name, value]));
  expect([env.get("URL"), env.get("KUBERNETES_PORT"), env.get("KUBERNETES_SERVICE_PORT")]).toEqual(["https://10.89.255.254", "tcp://10.89.255.254:443", ""]);
});

test("resolveEnvironment puts the prefix before every key, which can make it a valid name", () => {
  expect(pairs({ envFrom: [{ prefix: "C_", configMapRef: { name: "cm" } }] })).toEqual(["C_1x=bad", "C_A=1", "C_B=2"]);
});

test("resolveEnvironment leaves out keys that cannot be names, with a warning", () => {
  const { env, warnings } = resolveEnvironment({ ...containerOf(), envFrom: [{ configMapRef: { name: "cm" } }] }, SOURCES);
  expect(env.map(({ name }) => name)).toEqual(["A", "B"]);
  expect(warnings).toEqual(["Keys [1x] from the envFrom ConfigMap default/cm were skipped: they are not names of environment variables"]);
});

test("resolveEnvironment reads keys of ConfigMaps and Secrets", () => {
  const env = [
    { name: "X", valueFrom: { configMapKeyRef: { name: "cm", key: "1x" } } },
    { name: "Y", valueFrom: { secretKeyRef: { name: "s", key: "P" } } },
    { name: "N", valueFrom: { secretKeyRef: { name: "none", key: "P", optional: true } } },
    { name: "M", valueFrom: { configMapKeyRef: { name: "cm", key: "none", optional: true } } },
  ];
  expect(pairs({ env })).toEqual(["X=bad", "Y=pw"]);
});

test("resolveEnvironment gives fields of the pod, resources of its containers and variables of files, which later values can use", () => {
  const file = { volumeName: "made", key: "K", optional: false };
  const env = [
    { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    { name: "MIB", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    { name: "CPU", valueFrom: { resourceFieldRef: { containerName: "web", resource: "limits.cpu", divisor: "1m" } } },
    { name: "FILE", valueFrom: { fileKeyRef: { ...file, path: "made.env" } } },
    { name: "NONE", valueFrom: { fileKeyRef: { ...file, path: "none.env", optional: true } } },
    { name: "NO_KEY", valueFrom: { fileKeyRef: { ...file, path: "made.env", key: "X", optional: true } } },
    { name: "ALL", value: "$(IP) $(MIB) $(FILE) $(NONE)" },
  ];
  expect(pairs({ env })).toEqual(["IP=10.89.0.2", "MIB=64", "CPU=2000", "FILE=v", "ALL=10.89.0.2 64 v $(NONE)"]);
  const wanted = [{ name: "A", valueFrom: { fileKeyRef: { ...file, path: "none.env" } } }, { name: "B", valueFrom: { fileKeyRef: { ...file, path: "made.env", key: "X" } } }];
  expect(resolveEnvironment(containerOf({ env: wanted }), SOURCES).errors).toEqual(['environment variable file "none.env" not found in volume "made"', 'environment variable key "X" not found in file "made.env"']);
});

test("resolveEnvironment expands values by what stands before them", () => {
  const env = [{ name: "X", value: "$(A)$(LATER)" }, { name: "LATER", value: "$(X)!" }, { name: "X", value: "$(X)$(X)" }];
  expect(pairs({ envFrom: [{ configMapRef: { name: "cm" } }], env })).toEqual(["A=1", "B=2", "X=1$(LATER)1$(LATER)", "LATER=1$(LATER)!"]);
});

test("resolveEnvironment reports every required reference that leads nowhere, in the kubelet's words", () => {
  const { errors } = resolveEnvironment({
    ...containerOf(),
    envFrom: [{ configMapRef: { name: "x" } }, { secretRef: { name: "y" } }, { configMapRef: { name: "z", optional: true } }, { configMapRef: { name: "elsewhere" } }],
    env: [
      { name: "A", valueFrom: { configMapKeyRef: { name: "cm", key: "none" } } },
      { name: "B", valueFrom: { secretKeyRef: { name: "s", key: "none" } } },
      { name: "C", valueFrom: { secretKeyRef: { name: "t", key: "k" } } },
      { name: "D", valueFrom: { configMapKeyRef: { name: "cm", key: "bin" } } },
    ],
  }, SOURCES);
  expect(errors).toEqual([
    'configmap "x" not found', 'secret "y" not found', 'configmap "elsewhere" not found', "couldn't find key none in ConfigMap default/cm",
    "couldn't find key none in Secret default/s", 'secret "t" not found', "couldn't find key bin in ConfigMap default/cm",
  ]);
});

const EXPANSIONS: readonly (readonly [string, string])[] = [
  ["$(A)", "1"], ["a$(A)b$(B)", "a1b$(A)"], ["$(NONE)", "$(NONE)"], ["$$(A)", "$(A)"], ["$$$(A)", "$1"], ["$$$$(A)", "$$(A)"], ["$A $", "$A $"],
  ["$(A", "$(A"], ["$()", "$()"], ["$(toString)", "$(toString)"], ["$$", "$"], ["$(A$(A))", "$(A$(A))"], ["", ""],
];
for (const [text, result] of EXPANSIONS) test(`expand makes ${JSON.stringify(text)} ${JSON.stringify(result)}`, () => expect(expand(text, { A: "1", B: "$(A)" })).toBe(result));
