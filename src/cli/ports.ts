/** Host ports of a pod as people read them: `8080->80/tcp`, `127.0.0.1:8080->80/tcp`. */
import type { HostPort, PodRecord } from "../state/state.ts";

const ANY: readonly string[] = ["", "0.0.0.0", "::"];

/** Ports of the specification first; then those held by `--publish`, whose container port only the plan knows. */
export function portsOf(record: PodRecord, held: readonly HostPort[]): readonly string[] {
  const declared = record.pod.spec.containers.flatMap((container) =>
    container.ports.flatMap(({ hostPort, hostIP = "", containerPort, protocol }) =>
      hostPort === undefined ? [] : [{ ip: hostIP, port: hostPort, protocol: protocol.toLowerCase(), target: `->${containerPort}` }],
    ),
  );
  const others = held.filter((port) => !declared.some((each) => each.port === port.port && each.protocol === port.protocol));
  return [...declared, ...others.map((port) => ({ ...port, target: "" }))].map(
    ({ ip, port, protocol, target }) => `${ANY.includes(ip) ? "" : `${ip.includes(":") ? `[${ip}]` : ip}:`}${port}${target}/${protocol}`,
  );
}
