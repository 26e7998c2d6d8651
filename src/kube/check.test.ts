import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Pod } from "../spec/spec.ts";
import type { Checked, CheckOptions, CheckResult, ManifestText } from "./kube.ts";
import { check, formatProblem, problemsError, referencedConfig } from "./mod.ts";
import { goldenCases, outcomeOf } from "./testdata/golden.ts";

const pod = (rest: object = {}, metadata: object = {}): string =>
  JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "web", ...metadata }, spec: { containers: [{ name: "c", image: "busybox:1", ...rest }] } });
const configMap = (name: string, data: object = { a: "1" }): string => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

const run = (texts: readonly string[], options?: CheckOptions): CheckResult => check(texts.map((text, index) => ({ file: `${index}.yaml`, text })), options);
const lines = (result: CheckResult): readonly string[] => (result.ok ? [] : result.problems.map(formatProblem));
function checkedOf(result: CheckResult): Checked {
  if (!result.ok) throw new Error(lines(result).join("\n"));
  return result.checked;
}
function podOf(text: string, options?: CheckOptions): Pod {
  const [first] = checkedOf(run([text], options)).pods;
  if (first === undefined) throw new Error("no pod");
  return first;
}

describe("check of good manifests", () => {
  for (const golden of goldenCases("good")) test(`check reads testdata/good/${golden.name}`, () => expect(outcomeOf(golden)).toBe(readFileSync(golden.expected, "utf8")));
  for (const golden of goldenCases("good")) {
    test(`check reads what it made of testdata/good/${golden.name} as the same again`, () => {
      const { objects } = checkedOf(run([golden.text]));
      const again = checkedOf(run([JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })]));
      expect(JSON.stringify(again.objects)).toBe(JSON.stringify(objects));
    });
  }
});

describe("check of bad manifests", () => {
  for (const golden of goldenCases("bad")) test(`check refuses testdata/bad/${golden.name}`, () => expect(outcomeOf(golden)).toBe(readFileSync(golden.expected, "utf8")));
  test("check shows nothing of what a Secret holds", () => {
    for (const golden of goldenCases("bad")) for (const secret of ["4711", "1234", "hunter2"]) expect(outcomeOf(golden)).not.toContain(secret);
  });
  test("check names the object of a problem", () => {
    const result = run([pod({ image: "" }, { namespace: "far" })]);
    expect(result.ok ? [] : result.problems.map(({ object, code, path }) => [object, code, path])).toEqual([["Pod far/web", "required", "spec.containers[0].image"]]);
  });
  test("check leaves references alone when a document could not be read", () => {
    const needy = pod({ envFrom: [{ configMapRef: { name: "settings" } }] });
    expect(lines(run([needy]))).toHaveLength(1);
    expect(lines(run([needy, "a: ["]))).toEqual([expect.stringMatching(/^1\.yaml:1:5: is not YAML/)]);
    expect(lines(run([needy, "apiVersion: v1\nkind: Configmap\n"]))).toEqual([expect.stringMatching(/^1\.yaml:2:7: kind/)]);
  });
  test("check limits annotations and the data of a ConfigMap", () => {
    expect(lines(run([pod({}, { annotations: { a: "x".repeat(256 * 1024) } })]))).toEqual([expect.stringContaining("metadata.annotations: holds 262145 bytes, should be at most 262144")]);
    expect(lines(run([configMap("c", { a: "x".repeat(1024 * 1024), b: "y" })]))).toEqual([expect.stringContaining("data: holds 1048577 bytes, should be at most 1048576")]);
    expect(run([configMap("c", { a: "x".repeat(1024 * 1024) })]).ok).toBe(true);
  });
  test("check sorts by the order of the inputs, then by place", () => {
    expect(lines(run(["z: 1", "b: 1\nkind: Pod\nmetadata: {nam: x}"])).map((line) => line.slice(0, 10))).toEqual(["0.yaml:1:1", "1.yaml:1:1", "1.yaml:1:1", "1.yaml:3:12"].map((line) => line.slice(0, 10)));
  });
  test("check refuses no input at all", () => expect(lines(check([]))).toEqual(["-:1:1: holds no object, should hold at least one"]));
});

describe("check with options", () => {
  test("check puts objects without a namespace into the one given", () => {
    expect<string>(podOf(pod(), { namespace: "far" }).metadata.namespace).toBe("far");
    expect<string>(podOf(pod({}, { namespace: "near" }), { namespace: "far" }).metadata.namespace).toBe("near");
    expect(lines(run([pod()], { namespace: "No" }))[0]).toStartWith('--namespace:1:1: is "No", should be ');
  });
  test("check adds annotations to pods only, and they win", () => {
    const { pods, configMaps } = checkedOf(run([pod({}, { annotations: { a: "1", b: "2" } }), configMap("c")], { annotations: { a: "3" } }));
    expect(pods[0]?.metadata.annotations).toEqual({ a: "3", b: "2" });
    expect(configMaps[0]?.metadata.annotations).toEqual({});
    expect(lines(run([pod()], { annotations: { "a b": "" } }))[0]).toStartWith('--annotation:1:1: is "a b", should be ');
  });
  const extra = (text: string): { readonly configMaps: readonly ManifestText[] } => ({ configMaps: [{ file: "extra.yaml", text }] });
  test("check takes ConfigMaps from outside as objects of the service", () => {
    const { objects } = checkedOf(run([pod({ envFrom: [{ configMapRef: { name: "c" } }] })], extra(configMap("c"))));
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(["Pod web", "ConfigMap c"]);
  });
  test("check refuses a ConfigMap that is given twice, and other kinds from outside", () => {
    expect(lines(run([configMap("c")], extra(configMap("c"))))).toEqual(["extra.yaml:1:58: metadata.name: ConfigMap default/c is given twice, first on line 1 of 0.yaml"]);
    expect(lines(run([configMap("c")], extra(pod())))).toEqual(['extra.yaml:1:27: kind: is "Pod" (v1), should be "ConfigMap" or "List"']);
  });
});

describe("check of single rules", () => {
  const policies: readonly (readonly [string, string])[] = [
    ["nginx", "Always"], ["nginx:latest", "Always"], ["host:5000/nginx", "Always"], ["nginx:1", "IfNotPresent"], [`nginx@sha256:${"0".repeat(64)}`, "IfNotPresent"],
    [`nginx:1@sha256:${"0".repeat(64)}`, "IfNotPresent"], [`nginx:latest@sha256:${"0".repeat(64)}`, "Always"], ["localhost/a__b/c-d.e:V1.0_x", "IfNotPresent"], ["[::1]:5000/a:1", "IfNotPresent"],
  ];
  for (const [image, policy] of policies) test(`check gives ${image.slice(0, 30)} the pull policy ${policy}`, () => expect(podOf(pod({ image })).spec.containers[0]?.imagePullPolicy).toBe(policy as "Always"));
  for (const image of ["Nginx", "a b", "a:", ":1", "a@sha256:12", "a//b", "-a", "a:-x", "a\tb", "docker://nginx", `a${"b".repeat(300)}`, "a-".repeat(100_000)]) {
    test(`check refuses the image ${JSON.stringify(image.slice(0, 20))}`, () => expect(lines(run([pod({ image })]))).toEqual([expect.stringContaining("should be an image reference")]));
  }
  const limits: readonly (readonly [string, unknown, string | undefined])[] = [
    ["memory", "64Mi", "64Mi"], ["memory", 1048576, "1048576"], ["memory", "0.1Gi", "0.1Gi"], ["memory", "0", "0"], ["memory", "64m", undefined], ["memory", "1000m", "1000m"], ["memory", "10MB", undefined], ["memory", "", undefined],
    ["cpu", 2, "2"], ["cpu", "100m", "100m"], ["cpu", "-1", undefined], ["cpu", "1e30", undefined], ["cpu", "one", undefined],
  ];
  for (const [name, value, text] of limits) {
    test(`check reads the ${name} limit ${JSON.stringify(value)} as ${text}`, () => {
      const result = run([pod({ resources: { limits: { [name]: value } } })]);
      const found = result.ok ? result.checked.pods[0]?.spec.containers[0]?.resources.limits : {};
      expect(Object.values(found ?? {})[0]).toBe(text as string);
      if (text === undefined) expect(lines(result)).toEqual([expect.stringContaining(`resources.limits.${name}: is ${JSON.stringify(value)}, should be `)]);
    });
  }
  test("check takes the ports of a pod in the host's network as host ports", () => {
    const text = 'kind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, containers: [{name: c, image: b, ports: [{containerPort: 80}, {containerPort: 81, hostPort: 81}]}]}';
    expect(podOf(text).spec.containers[0]?.ports.map(({ hostPort }) => hostPort)).toEqual([80, 81]);
  });
  test("check lets host ports be that differ in address or protocol", () => {
    const ports = [{ hostIP: "127.0.0.1" }, { hostIP: "127.0.0.2" }, { protocol: "UDP" }].map((port) => ({ containerPort: 80, hostPort: 80, ...port }));
    expect(run([pod({ ports })]).ok).toBe(true);
  });
  test("check freezes everything", () => {
    const frozen = (value: unknown): boolean => typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(checkedOf(run([pod({ env: [{ name: "A", value: "b" }] })])))).toBe(true);
  });
});

test("referencedConfig names every ConfigMap and Secret that a pod refers to", () => {
  const spec = {
    initContainers: [{ name: "i", image: "b:1", envFrom: [{ secretRef: { name: "s2", optional: true } }] }],
    containers: [{ name: "c", image: "b:1", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "z", key: "a", optional: true } } }, { name: "B", valueFrom: { secretKeyRef: { name: "s1", key: "a", optional: true } } }], envFrom: [{ configMapRef: { name: "y", optional: true } }] }],
    volumes: [{ name: "v", configMap: { name: "x", optional: true } }, { name: "w", secret: { secretName: "s3", optional: true } }],
  };
  expect(referencedConfig(podOf(JSON.stringify({ kind: "Pod", metadata: { name: "a" }, spec })))).toEqual({ configMaps: ["x", "y", "z"], secrets: ["s1", "s2", "s3"] });
});

test("formatProblem writes one line, problemsError holds all problems", () => {
  const result = run(['apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: b, imagePullPolcy: Never}], hostname: A}']);
  const problems = result.ok ? [] : result.problems;
  expect(problems.map(formatProblem)[0]).toBe('0.yaml:4:41: spec.containers[0].imagePullPolcy: unknown field of Container (did you mean "imagePullPolicy"?)');
  const error = problemsError(problems);
  expect([error.kind, error.code, error.context["problems"]]).toEqual(["invalid", "EMANIFEST", problems]);
  expect(error.message).toBe('Cannot use "0.yaml": 2 problems');
  expect(problemsError(problems.slice(1)).message).toBe(`Cannot use "0.yaml": ${formatProblem(problems[1] ?? problems[0] ?? { file: "", line: 0, column: 0, path: "", message: "", code: "value" })}`);
});

describe("check of fields without effect on a single host", () => {
  const cluster = (spec: object): string => JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers: [{ name: "c", image: "busybox:1" }], ...spec } });
  test("check takes them, and lists each once", () => {
    const { notices, pods } = checkedOf(run([cluster({ nodeSelector: { disk: "ssd" }, tolerations: [{ key: "a", operator: "Exists" }] }), cluster({ nodeSelector: { disk: "hdd" } }).replace('"web"', '"db"')]));
    expect(notices.map(({ file, path, object }) => `${file} ${path} ${object}`)).toEqual(["0.yaml spec.nodeSelector Pod default/web", "0.yaml spec.tolerations Pod default/web"]);
    expect(JSON.stringify(pods)).not.toContain("ssd");
  });
  test("check lists labels that an API server would admit pods by", () => {
    const { notices } = checkedOf(run(["{apiVersion: v1, kind: Namespace, metadata: {name: trade, labels: {team: a, pod-security.kubernetes.io/enforce: restricted}}, spec: {finalizers: [kubernetes]}}"]));
    expect(notices.map(({ path, object, why }) => `${path} ${object}: ${why}`)).toEqual([
      "spec Namespace trade: it holds finalizers, which nobody but an API server waits for",
      'metadata.labels["pod-security.kubernetes.io/enforce"] Namespace trade: pods are not checked against Pod Security Standards',
    ]);
  });
  test("check demands that they are right all the same", () => {
    expect(lines(run([cluster({ tolerations: { key: "a" } })]))).toEqual([expect.stringContaining("spec.tolerations: is a mapping, should be a list")]);
    expect(lines(run([cluster({ affinity: { nodeAfinity: {} } })]))).toEqual([expect.stringContaining('spec.affinity.nodeAfinity: unknown field of Affinity (did you mean "nodeAffinity"?)')]);
  });
});

test("check takes the host port of a sidecar, which runs beside the others, and of no other init container", () => {
  const initialized = (more: object): CheckResult => run([JSON.stringify({
    apiVersion: "v1", kind: "Pod", metadata: { name: "web" },
    spec: { initContainers: [{ name: "i", image: "b:1", ports: [{ containerPort: 80, hostPort: 80 }], ...more }], containers: [{ name: "c", image: "b:1" }] },
  })]);
  expect(initialized({ restartPolicy: "Always" }).ok).toBe(true);
  expect(lines(initialized({})).join()).toContain("Kubernetes opens no host port");
});
