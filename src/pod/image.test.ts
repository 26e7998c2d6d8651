import { describe, expect, test } from "bun:test";
import type { ImagePullPolicy } from "../spec/spec.ts";
import { candidates } from "../storage/references.ts";
import { fakeCatalog } from "../storage/fake.ts";
import type { Image } from "../storage/storage.ts";
import { imageNeed } from "./image.ts";

const image = (digit: string, names: readonly string[], layers: readonly string[] = []): Image => ({
  id: `sha256:${digit.repeat(64)}`, names, digests: [], layers, size: 1, created: 1, importedAt: 1,
  config: { entrypoint: [], cmd: [], env: [], workingDir: "", user: "", stopSignal: "", volumes: [], labels: {}, exposedPorts: [] },
});

const images = fakeCatalog([image("a", ["r.example/app:1"]), image("b", ["localhost/own:1"]), image("c", ["docker.io/library/both:1"]), image("d", ["localhost/both:1"]), image("e", ["r.example/broken:1"], ["sha256:1", "sha256:2"])]);
const layer = { size: 1, entries: 1, unpackedAt: 1, damage: "" };
images.putLayer({ ...layer, diffId: "sha256:1" });
images.putLayer({ ...layer, diffId: "sha256:2", damage: "a file has changed" });
const id = `sha256:${"a".repeat(64)}`;

describe("imageNeed()", () => {
  const cases: readonly (readonly [ImagePullPolicy, string, string])[] = [
    ["IfNotPresent", "r.example/app:1", "present a"],
    ["IfNotPresent", "r.example/app:2", "pull r.example/app:2"],
    ["IfNotPresent", "app", "pull app"],
    ["IfNotPresent", "own:1", "present b"],
    ["IfNotPresent", "both:1", "present d"],
    ["IfNotPresent", id, "present a"],
    ["IfNotPresent", "r.example/broken:1", "pull r.example/broken:1"],
    ["Always", "r.example/app:1", "pull r.example/app:1"],
    ["Always", "r.example/app:2", "pull r.example/app:2"],
    ["Always", "localhost/own:1", "pull localhost/own:1 or b"],
    ["Always", "own:1", "pull localhost/own:1 or b"],
    ["Always", "both:1", "pull localhost/both:1 or d"],
    ["Always", "localhost/other:1", "pull localhost/other:1"],
    ["Always", "localhost:5000/own:1", "pull localhost:5000/own:1"],
    ["Always", id, "present a"],
    ["Never", "r.example/app:1", "present a"],
    ["Never", "r.example/app:2", "refused ErrImageNeverPull"],
    ["Never", "r.example/broken:1", "refused ErrImageNeverPull"],
    ["Always", "r.example/App:1", "refused InvalidImageName"],
    ["Never", "r.example/app@sha256:12", "refused InvalidImageName"],
  ];
  for (const [imagePullPolicy, reference, expected] of cases) {
    test(`imageNeed() of ${imagePullPolicy} ${reference.slice(0, 30)}: ${expected}`, () => {
      const need = imageNeed({ images, names: candidates }, { image: reference, imagePullPolicy });
      const digit = (found: Image): string => found.id.slice(7, 8);
      const otherwise = need.is === "pull" && need.otherwise !== undefined ? ` or ${digit(need.otherwise)}` : "";
      expect(`${need.is} ${need.is === "present" ? digit(need.image) : need.is === "pull" ? need.reference : need.reason}${otherwise}`).toBe(expected);
    });
  }

  test("imageNeed() refuses in the kubelet's words", () => {
    expect(imageNeed({ images, names: candidates }, { image: "app", imagePullPolicy: "Never" })).toEqual({ is: "refused", reason: "ErrImageNeverPull", event: "ErrImageNeverPull", message: 'Container image "app" is not present with pull policy of Never' });
    expect(imageNeed({ images, names: candidates }, { image: "App", imagePullPolicy: "Always" })).toEqual({
      is: "refused", reason: "InvalidImageName", event: "InspectFailed",
      message: 'Failed to apply default image tag "App": couldn\'t parse image reference "App": a repository name must be lower case',
    });
  });
});
