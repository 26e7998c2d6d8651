/** The ports of `port-forward`: `8080:80`, `80`, `:80` (any free port here), and names of ports in place of the second number. */
import { fail } from "../base/errors.ts";
import type { Pod } from "../spec/spec.ts";

export interface ForwardedPort {
  /** 0: any that is free. */
  readonly local: number;
  readonly remote: number;
}

/** Fails with kind `usage`. */
export function parseForwardedPort(text: string, pod: Pod): ForwardedPort {
  const [, local, remote = ""] = /^(?:(\d*):)?([^:]+)$/.exec(text) ?? [];
  const there = /^\d+$/.test(remote) ? Number(remote) : named(remote, text, pod);
  const here = local === undefined ? there : Number(local);
  if ([here, there].some((port) => port > 65_535) || there === 0) fail("usage", `Cannot forward "${text}": ports are numbers from 1 to 65535`);
  return { local: here, remote: there };
}

function named(name: string, text: string, { spec, metadata }: Pod): number {
  const ports = [...spec.containers, ...spec.initContainers].flatMap((container) => container.ports);
  const found = ports.find((port) => port.name === name && port.protocol === "TCP");
  if (found !== undefined) return found.containerPort;
  const known = ports.flatMap((port) => port.name ?? []);
  const are = known.length === 0 ? "none of its ports has a name" : `its ports are named ${known.join(", ")}`;
  return fail("usage", `Cannot forward "${text}": it must be [LOCAL:]REMOTE, where REMOTE is a number or the name of a TCP port of pod "${metadata.name}"; ${are}`);
}
