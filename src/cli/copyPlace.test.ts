import { expect, test } from "bun:test";
import { parsePlace } from "./copyPlace.ts";

test("parsePlace() tells the host's paths from the containers'", () => {
  for (const path of ["a", "/a:b", "./a:b", "../a", "a/b"]) expect(parsePlace(path)).toBe(path);
  expect(parsePlace("web:/etc/hosts")).toEqual({ namespace: undefined, pod: "web", path: "/etc/hosts" });
  expect(parsePlace("shop/web:a:b")).toEqual({ namespace: "shop", pod: "web", path: "a:b" });
  expect(parsePlace("pod/web:x")).toEqual({ namespace: undefined, pod: "web", path: "x" });
});

test("parsePlace() refuses what is neither", () => {
  for (const text of ["", ":", ":/x", "web:", "/:x".slice(1), "a/b/c:x", "shop/:x"]) expect(() => parsePlace(text)).toThrow("Cannot copy");
});
