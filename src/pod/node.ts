/** The host, as Kubernetes' Node. */
import { hostname } from "node:os";
import { hostAddress } from "./hostAddress.ts";
import type { Node } from "./status.ts";

/** Name and first outside IPv4 address of this host (127.0.0.1 without a network). */
export const thisNode = (): Node => ({ name: hostname(), ip: hostAddress() });
