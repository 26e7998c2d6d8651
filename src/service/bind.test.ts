import { describe, expect, test } from "bun:test";
import { check } from "../kube/check.ts";
import { serviceName } from "../spec/spec.ts";
import type { ClaimRecord } from "../state/state.ts";
import { type Bound, bindClaims } from "./bind.ts";
import { objectRecords } from "./wanted.ts";

const service = serviceName("shop");

function bind(text: string, recorded: readonly ClaimRecord[] = []): Bound {
  const result = check([{ file: "a.yaml", text }]);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("; "));
  return bindClaims({ service, wanted: objectRecords(service, result.checked, { publish: [], network: "bridge" }), recorded, durable: "/lib", now: 7 });
}

const claim = (name: string, spec = "", size = "1Gi"): string => `\n---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: ${name}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: ${size}}}${spec}}}`;
const volume = (name: string, size: string, spec = ""): string => `\n---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: ${name}, labels: {name: ${name}}}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: ${size}}, local: {path: /mnt/${name}}${spec}}}`;
const names = ({ records }: Bound): readonly string[] => records.map(({ claim: { metadata }, volume: { metadata: chosen }, directory }) => `${metadata.name} ${directory === "" ? chosen.name : directory}`);

describe("bindClaims()", () => {
  test("makes a directory of a claim without a class, or with any that no volume has", () => {
    expect(names(bind(claim("a") + claim("b", ", storageClassName: fast") + volume("slow", "9Gi", ", storageClassName: slow")))).toEqual(["a /lib/volumes/default/a", "b /lib/volumes/default/b"]);
  });

  test("takes the smallest volume that fits, each once", () => {
    const text = claim("a") + claim("b") + claim("c") + volume("large", "9Gi") + volume("small", "1Mi") + volume("fits", "2Gi");
    expect(names(bind(text))).toEqual(["a fits", "b large", "c /lib/volumes/default/c"]);
  });

  test("takes what a claim names, or what names the claim, before others choose", () => {
    const text = claim("a") + claim("b", ", volumeName: one") + claim("c") + volume("one", "1Gi") + volume("two", "1Gi", ", claimRef: {name: c}");
    expect(names(bind(text))).toEqual(["b one", "c two", "a /lib/volumes/default/a"]);
  });

  test("minds selector, class, mode and access", () => {
    expect(names(bind(claim("a", ", selector: {matchLabels: {name: z}}") + volume("x", "1Gi") + volume("z", "2Gi")))).toEqual(["a z"]);
    expect(names(bind(claim("a", ", selector: {matchExpressions: [{key: name, operator: NotIn, values: [x]}]}") + volume("x", "1Gi") + volume("z", "2Gi")))).toEqual(["a z"]);
    expect(names(bind(claim("a", ", volumeMode: Block") + volume("x", "1Gi") + volume("z", "2Gi", ", volumeMode: Block")))).toEqual(["a z"]);
  });

  test("says of every claim why nothing satisfies it", () => {
    const rows: readonly (readonly [string, string])[] = [
      [claim("a", ', storageClassName: ""'), 'claim "default/a": no persistent volumes available for this claim and no storage class is set'],
      [claim("a", ", volumeName: x"), 'PersistentVolume "x" is not in the manifest'],
      [claim("a", ", volumeName: x") + volume("x", "1Mi"), 'Cannot bind to requested volume "x": requested PV is too small'],
      [claim("a", ", volumeName: x") + claim("b", ", volumeName: x") + volume("x", "1Gi"), 'claim "default/b": volume "x" already bound to a different claim'],
      [claim("a", ", selector: {matchLabels: {b: c}}"), "a claim with a selector gets no other"],
      [claim("a", ", volumeMode: Block"), "a directory of this host cannot be a block device"],
    ];
    for (const [text, message] of rows) expect(() => bind(text)).toThrow(message);
  });

  test("leaves a claim that is bound where it is, and lets it grow", () => {
    const { records } = bind(claim("a"));
    expect(bind(claim("a") + volume("x", "1Gi"), records)).toEqual({ records: [], created: [] });
    const grown = bind(claim("a", "", "2Gi"), records);
    expect([grown.created.length, grown.records[0]?.volume.spec.capacity.storage, grown.records[0]?.uid]).toEqual([0, "2Gi", records[0]?.uid]);
    expect(() => bind(claim("a", "", "500Mi"), records)).toThrow("can not be less than previous value");
    expect(() => bind(claim("a", ", storageClassName: fast"), records)).toThrow("spec is immutable after creation except resources.requests");
  });

  test("refuses a bound volume whose place has changed", () => {
    const { records } = bind(claim("a") + volume("x", "1Gi"));
    expect(() => bind(claim("a") + volume("x", "1Gi").replace("/mnt/x", "/mnt/y"), records)).toThrow("is immutable while a claim is bound to it");
  });

  test("refuses two pods for a claim of mode ReadWriteOncePod", () => {
    const pod = (name: string): string => `\n---\n{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {containers: [{name: a, image: x}], volumes: [{name: v, persistentVolumeClaim: {claimName: a}}]}}`;
    expect(() => bind(claim("a").replace("ReadWriteOnce", "ReadWriteOncePod") + pod("p") + pod("q"))).toThrow('claim "default/a" has access mode ReadWriteOncePod, and pods "p" and "q" use it');
    expect(names(bind(claim("a").replace("ReadWriteOnce", "ReadWriteOncePod") + pod("p")))).toEqual(["a /lib/volumes/default/a"]);
  });
});
