/** The state of wherry: its contract, the two databases, and how to be woken by them. */
export * from "./state.ts";
export { openDurable, type StateOptions } from "./durable.ts";
export { openRuntime } from "./runtime.ts";
export { watch } from "./watch.ts";
