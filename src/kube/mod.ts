/** What other folders use of `kube/`: the contract, and the functions that keep it. */
export * from "./kube.ts";
export { check } from "./check.ts";
export { formatProblem, problemsError } from "./problems.ts";
export { referencedConfig } from "./references.ts";
