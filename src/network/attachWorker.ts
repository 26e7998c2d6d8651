/** A process of its own for the drivers' tests: attaches pods of a bridge at once, and with `cycle` detaches them again. Test code. */
import { realBridge } from "./realBridge.ts";

const [number, directory, verb, first, count, driver] = process.argv.slice(2);
const real = realBridge(Number(number), { directory: directory ?? "", driver: driver === "private" ? "private" : "netavark" });
const pods = Array.from({ length: Number(count) }, (_, index) => {
  const ports = index % 2 === 0 ? [{ containerPort: 8080, hostPort: 24000 + Number(first) + index, hostIP: "", protocol: "tcp" as const }] : [];
  return real.pod(Number(first) + index, ports);
});
process.stdout.write(".");
await Promise.all(pods.map((pod) => real.network.attach(pod).then(() => process.stdout.write("."))));
if (verb === "cycle") {
  await Promise.all(pods.map((pod) => real.network.detach(pod)));
  for (const pod of pods) real.dropNamespace(pod);
}
