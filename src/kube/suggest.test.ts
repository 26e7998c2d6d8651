import { describe, expect, test } from "bun:test";
import { FIELDS } from "./generated/fields.ts";
import { didYouMean, elsewhere, nearest } from "./suggest.ts";

describe("nearest", () => {
  const container = Object.keys(FIELDS["Container"] ?? {});
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["imagePullPolcy", "imagePullPolicy"], ["ImagePullPolicy", "imagePullPolicy"], ["comand", "command"], ["commnad", "command"], ["port", "ports"], ["volumemounts", "volumeMounts"],
    ["arg", "args"], ["evn", "env"], ["zzz", undefined], ["", undefined], ["x".repeat(10_000), undefined],
  ];
  for (const [word, found] of rows) test(`nearest answers ${found} for "${word.slice(0, 20)}" in a container`, () => expect(nearest(word, container)).toBe(found));
});

test("didYouMean asks, or says nothing", () => {
  expect(didYouMean("pod", ["Pod"])).toBe('did you mean "Pod"?');
  expect(didYouMean("Deployment", ["Pod"])).toBeUndefined();
});

describe("elsewhere", () => {
  const pod = { path: "", type: "Pod" };
  const spec = { path: "spec", type: "PodSpec" };
  const container = { path: "spec.containers[1]", type: "Container" };
  const port = { path: "spec.containers[1].ports[0]", type: "ContainerPort" };
  const rows: readonly (readonly [string, Parameters<typeof elsewhere>[1], string | undefined])[] = [
    ["restartPolicy", [pod, { path: "metadata", type: "ObjectMeta" }], "spec.restartPolicy"],
    ["labels", [pod, spec], "metadata.labels"],
    ["containers", [pod], "spec.containers"],
    ["image", [pod, spec], "spec.containers[].image"],
    ["image", [pod, spec, container, port], "spec.containers[1].image"],
    ["hostNetwork", [pod, spec, container], "spec.hostNetwork"],
    ["httpGet", [pod, spec, container], "spec.containers[1].livenessProbe.httpGet"],
    ["runAsUser", [pod, spec, container], "spec.containers[1].securityContext.runAsUser"],
    ["nowhere", [pod, spec], undefined],
  ];
  for (const [name, trail, place] of rows) test(`elsewhere places "${name}" at ${place} from ${trail.at(-1)?.path}`, () => expect(elsewhere(name, trail)).toBe(place));
});
