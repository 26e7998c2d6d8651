/** The frozen domain types: names, what is wanted (`pod.ts`), what is observed (`status.ts`), quantities. */
export * from "./claims.ts";
export * from "./image.ts";
export * from "./meta.ts";
export * from "./names.ts";
export * from "./pod.ts";
export * from "./quantity.ts";
export * from "./registryAuth.ts";
export * from "./status.ts";
