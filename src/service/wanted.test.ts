import { expect, test } from "bun:test";
import { check } from "../kube/check.ts";
import { serviceName } from "../spec/spec.ts";
import { objectRecords } from "./wanted.ts";

test("objectRecords() gives a pod another hash when a Secret that it uses changes, but not for one that it pulls with or mounts", () => {
  const hashes = (password: string): readonly string[] => {
    const auths = JSON.stringify({ auths: { "r.example": { username: "me", password } } });
    const secret = { kind: "Secret", metadata: { name: "registry" }, type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": auths } };
    const pod = (name: string, spec: object): object => ({ kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c", image: "r.example/app:1" }], ...spec } });
    const items = [secret, pod("pulls", { imagePullSecrets: [{ name: "registry" }] }), pod("mounts", { volumes: [{ name: "v", secret: { secretName: "registry" } }] }), pod("reads", { containers: [{ name: "c", image: "r.example/app:1", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "registry", key: ".dockerconfigjson" } } }] }] })];
    const result = check([{ file: "x", text: items.map((each) => JSON.stringify(each)).join("\n---\n") }]);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return objectRecords(serviceName("shop"), result.checked, { publish: [], network: "bridge" }).map(({ hash }) => hash);
  };
  const [before, after] = [hashes("1"), hashes("2")];
  expect(before.map((hash, index) => hash === after[index])).toEqual([false, true, true, false]);
});
