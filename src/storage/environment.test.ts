import { expect, test } from "bun:test";
import { imageEnvironment, limitsOf } from "./environment.ts";

test("imageEnvironment() takes what concerns images, and nothing else", () => {
  expect(imageEnvironment({ HOME: "/root", PATH: "/bin", NOTIFY_SOCKET: "/x", https_proxy: "", DOCKER_HOST: undefined })).toEqual({ HOME: "/root", https_proxy: "" });
});

test("limitsOf() reads limits, and refuses what is no number", () => {
  expect(limitsOf({ WHERRY_MAX_LAYER_BYTES: "1000", WHERRY_MAX_LAYER_ENTRIES: "" })).toEqual({ bytes: 1000 });
  expect(limitsOf({ WHERRY_MAX_LAYER_ENTRIES: "7" })).toEqual({ entries: 7 });
  for (const text of ["many", "-1", "1.5", "0"]) expect(() => limitsOf({ WHERRY_MAX_LAYER_BYTES: text })).toThrow(`Cannot use "${text}" for WHERRY_MAX_LAYER_BYTES`);
});
