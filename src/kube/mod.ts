/** What other folders use of `kube/`: the contract, and the functions that keep it. */
export * from "./kube.ts";
export { check } from "./check.ts";
export type { HostLacks, UserLacks } from "./host.ts";
export { formatNotice, formatProblem, problemsError } from "./problems.ts";
export { referencedConfig } from "./references.ts";
export { explain, type Explanation } from "./explain.ts";
