import { expect, test } from "bun:test";
import { everyField, explain } from "./explain.ts";

test("explain() follows a path from a kind, with lists and short names", () => {
  expect(explain("pod.spec.containers[0].image").field).toMatchObject({ name: "image", type: "string", effect: "runs" });
  expect(explain("po").fields.map(({ name }) => name)).toEqual(["apiVersion", "kind", "metadata", "spec", "status"]);
  expect(explain("cm.data").fields).toEqual([]);
});

test("explain() says of what is below a field without effect that it has none either", () => {
  expect(explain("pod.spec.affinity.nodeAffinity").field).toMatchObject({ effect: "none" });
  expect(explain("pod.spec.tolerations.key").field).toMatchObject({ effect: "none", what: "part of a field without effect" });
});

test.each([
  ["pod.spec.contaners", 'PodSpec has no field "contaners"', 'did you mean "containers"?'],
  ["deploymint.spec", '"deploymint" is not a kind that wherry plays', undefined],
])("explain() of %p fails", (path, message, hint) => {
  expect(() => explain(path)).toThrow(message);
  if (hint !== undefined) expect(() => explain(path)).toThrow(expect.objectContaining({ hint }));
});

test("everyField() has each type once", () => {
  const types = everyField().map(({ type }) => type);
  expect(new Set(types).size).toBe(types.length);
  expect(types).toContain("Probe");
});
