import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ConfigMap, Secret } from "../spec/spec.ts";
import { namespace } from "../spec/spec.ts";
import { objectRecord, serviceRecord, temporaryDirectory } from "./fixtures.ts";
import { openDurable } from "./mod.ts";
import type { ObjectRecord } from "./state.ts";

const metadata = { name: "conf", namespace: namespace("default"), labels: {}, annotations: { a: "b" } };
const configMap: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { key: "value" }, binaryData: { bin: "AA==" }, immutable: true };
const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data: { key: "c2VjcmV0" } };

test("DurableState.putService() replaces the record and all objects, in their order", () => {
  using directory = temporaryDirectory();
  using state = openDurable(join(directory.path, "wherry.db"));
  const first = serviceRecord("shop");
  const wanted: readonly ObjectRecord[] = [{ ...objectRecord("web"), object: configMap }, objectRecord("web"), { ...objectRecord("web"), object: secret }];
  state.putService(first, wanted);
  expect(state.service("shop")).toEqual(first);
  expect(state.objects("shop")).toEqual(wanted);

  const second = { ...serviceRecord("shop", 2), files: ["-"], texts: ["other"] };
  state.putService(second, [objectRecord("db")]);
  expect(state.services()).toEqual([second]);
  expect(state.objects()).toEqual([objectRecord("db")]);
});

test("DurableState.putService() changes nothing when an object is there twice", () => {
  using directory = temporaryDirectory();
  using state = openDurable(join(directory.path, "wherry.db"));
  state.putService(serviceRecord("shop"), [objectRecord("web")]);
  expect(() => state.putService(serviceRecord("shop", 2), [objectRecord("db"), objectRecord("db")])).toThrow("UNIQUE");
  expect([state.service("shop"), state.objects("shop")]).toEqual([serviceRecord("shop"), [objectRecord("web")]]);
});

test("DurableState.removeService() forgets the service and its objects alone, and may be repeated", () => {
  using directory = temporaryDirectory();
  using state = openDurable(join(directory.path, "wherry.db"));
  state.putService(serviceRecord("shop"), [objectRecord("web")]);
  state.putService(serviceRecord("blog"), [objectRecord("web", "blog")]);
  for (const _ of [1, 2]) state.removeService("shop");
  expect(state.services()).toEqual([serviceRecord("blog")]);
  expect(state.objects()).toEqual([objectRecord("web", "blog")]);
  expect([state.service("shop"), state.objects("shop")]).toEqual([undefined, []]);
});
