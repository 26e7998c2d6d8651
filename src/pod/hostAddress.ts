/** The host's own address, which pods on its network share. */
import { networkInterfaces } from "node:os";

/** First outside IPv4 address of this host; 127.0.0.1 without a network. */
export function hostAddress(): string {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith("wherry"))
    .flatMap(([, own]) => own ?? [])
    .filter((each) => each.family === "IPv4" && !each.internal);
  return addresses[0]?.address ?? "127.0.0.1";
}
