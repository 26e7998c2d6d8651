import { expect, test } from "bun:test";
import { CLUSTER, namespace, serviceName } from "../spec/spec.ts";
import { openDurable } from "./durable.ts";
import { serviceRecord, temporaryDirectory } from "./fixtures.ts";
import type { ClaimRecord } from "./state.ts";

const claim = (name: string, change: Partial<ClaimRecord> = {}): ClaimRecord => ({
  service: serviceName("shop"),
  claim: { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name, namespace: namespace("default"), labels: {}, annotations: {} }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeMode: "Filesystem" } },
  uid: "u",
  volume: {
    apiVersion: "v1", kind: "PersistentVolume", metadata: { name: `pv-${name}`, namespace: CLUSTER, labels: {}, annotations: {} },
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, volumeMode: "Filesystem", storageClassName: "", persistentVolumeReclaimPolicy: "Retain", local: { path: "/mnt" } },
  },
  directory: "", owner: "", phase: "Bound", boundAt: 3, ...change,
});

test("ClaimCatalog keeps claims as they are, replaces and forgets them", () => {
  using at = temporaryDirectory();
  using state = openDurable(`${at.path}/wherry.db`);
  state.claims.put(claim("b"));
  state.claims.put(claim("a", { phase: "Removing", owner: "pod", directory: "/x" }));
  expect(state.claims.all()).toEqual([claim("a", { phase: "Removing", owner: "pod", directory: "/x" }), claim("b")]);
  state.claims.put(claim("b", { boundAt: 9 }));
  expect([state.claims.find("default", "b")?.boundAt, state.claims.find("other", "b")]).toEqual([9, undefined]);
  state.claims.remove("default", "b");
  state.claims.remove("default", "b");
  expect(state.claims.all()).toHaveLength(1);
});

test("DurableState.putService() records claims with the service; they outlive it", () => {
  using at = temporaryDirectory();
  using state = openDurable(`${at.path}/wherry.db`);
  state.putService(serviceRecord(), [], [claim("a")]);
  state.removeService("shop");
  expect(state.claims.all()).toEqual([claim("a")]);
});
