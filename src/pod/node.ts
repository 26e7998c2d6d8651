/** The host, as Kubernetes' Node. */
import { hostname, networkInterfaces } from "node:os";
import type { Node } from "./status.ts";

/** Name and first outside IPv4 address of this host (127.0.0.1 without a network). */
export function thisNode(): Node {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith("wherry"))
    .flatMap(([, own]) => own ?? [])
    .filter((each) => each.family === "IPv4" && !each.internal);
  return { name: hostname(), ip: addresses[0]?.address ?? "127.0.0.1" };
}
