/** What other folders may use of the runtime driver. */
export * from "./cgroup.ts";
export { limitCgroup } from "./cgroupLimits.ts";
export * from "./cgroupProcesses.ts";
export * from "./cgroupTree.ts";
export { chooseRuntime, type RuntimeChoice } from "./chooseRuntime.ts";
export { type FakeOptions, type FakePayload, type FakeRuntime, fakeRuntime } from "./fake.ts";
export * from "./oci.ts";
export { ociRuntime, type RuntimeOptions } from "./ociRuntime.ts";
export * from "./json.ts";
export { CAPABILITIES, hardRlimits, lowestOomScoreAdj, ownCapabilities } from "./rlimits.ts";
export * from "./runtime.ts";
