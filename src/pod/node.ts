/** The host, as Kubernetes' Node. */
import { hostname } from "node:os";
import { hostAddresses } from "./hostAddress.ts";
import type { Node } from "./status.ts";

/** Name and first outside addresses of this host (127.0.0.1 without a network). */
export const thisNode = (): Node => ({ name: hostname(), ...hostAddresses() });
