/** What other folders may use of containers. */
export { ociConfig } from "./config.ts";
export * from "./container.ts";
export { type Allocatable, fieldValue, type PodFacts, resourceValue } from "./downward.ts";
export { type Environment, type EnvironmentSources, resolveEnvironment } from "./environment.ts";
export { expand } from "./expand.ts";
export { hostLimits } from "./host.ts";
export { type Qos, qosOf } from "./qos.ts";
export { type ServiceContainerInput, serviceContainerConfig } from "./service.ts";
