import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dynamicClaim, provide } from "../pod/claims.ts";
import { fakeHost, type FakeHost } from "../pod/fake.ts";
import { newPod } from "../pod/records.ts";
import { examplePod } from "../spec/examples.ts";
import { CLUSTER, namespace, serviceName, type PersistentVolumeClaim } from "../spec/spec.ts";
import type { ClaimRecord } from "../state/state.ts";
import { type ClaimStore, removeVolume, unused } from "./claimVolumes.ts";

const service = serviceName("shop");
const claim: PersistentVolumeClaim = {
  apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data", namespace: namespace("default"), labels: {}, annotations: {} },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeMode: "Filesystem" },
};

const storeOf = ({ host }: FakeHost): ClaimStore => ({ host, durable: { claims: host.claims, objects: () => [] } });

function recorded(fake: FakeHost): ClaimRecord {
  const record = dynamicClaim({ claim, service, owner: "", durable: fake.host.paths.durable, now: 1 });
  fake.host.claims.put(record);
  provide(record);
  writeFileSync(`${record.directory}/file`, "");
  return record;
}

function addPod(fake: FakeHost): void {
  const pod = examplePod("web", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data", readOnly: false } }] });
  const { record, containers } = newPod({ service, pod, hash: "", network: "none", cgroup: "/x", now: 1 });
  fake.host.state.addPod(record, containers, { hostPorts: [] });
}

test("removeVolume() takes the directory and then the record away, and its parents when they are empty", async () => {
  using fake = fakeHost();
  const record = recorded(fake);
  expect(unused(storeOf(fake))).toEqual([record]);
  await removeVolume(storeOf(fake), record);
  expect([fake.host.claims.all(), existsSync(`${fake.host.paths.durable}/volumes`)]).toEqual([[], false]);
});

test("removeVolume() goes on with what a crash left", async () => {
  using fake = fakeHost();
  const record = recorded(fake);
  fake.host.claims.put({ ...record, phase: "Removing" });
  await removeVolume(storeOf(fake), { ...record, phase: "Removing" });
  expect([fake.host.claims.all(), existsSync(record.directory)]).toEqual([[], false]);
});

test("removeVolume() leaves alone what a pod has", async () => {
  using fake = fakeHost();
  const record = recorded(fake);
  addPod(fake);
  await expect(removeVolume(storeOf(fake), record)).rejects.toThrow('Cannot remove volume "default/data": pod "web" has it');
  expect([fake.host.claims.all(), readdirSync(record.directory), unused(storeOf(fake))]).toEqual([[record], ["file"], []]);
});

test("removeVolume() keeps or removes what a PersistentVolume holds, as its policy says", async () => {
  using fake = fakeHost();
  const path = `${fake.host.paths.durable}/disk`;
  mkdirSync(`${path}/below`, { recursive: true });
  const bound = (policy: "Retain" | "Delete"): ClaimRecord => ({
    ...dynamicClaim({ claim, service, owner: "", durable: "/x", now: 1 }), directory: "",
    volume: { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "disk", namespace: CLUSTER, labels: {}, annotations: {} }, spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, volumeMode: "Filesystem", storageClassName: "", persistentVolumeReclaimPolicy: policy, local: { path } } },
  });
  await removeVolume(storeOf(fake), bound("Retain"));
  expect(readdirSync(path)).toEqual(["below"]);
  await removeVolume(storeOf(fake), bound("Delete"));
  expect([readdirSync(path), fake.host.claims.all()]).toEqual([[], []]);
});
