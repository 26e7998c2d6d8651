/** `ports` of a container. */
import type { ContainerPort } from "../spec/spec.ts";
import { complain, field, items, number, text, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { optionalText, RULES } from "./rules.ts";
import { quoted } from "./tree.ts";

export interface PortOptions {
  readonly hostNetwork: boolean;
  /** The container is an init container; a sidecar has ports like a main one. */
  readonly init: boolean;
}

/** The ports of a container. In the host's network a container port is a host port. */
export function readPorts(container: Cursor, { hostNetwork, init }: PortOptions): readonly ContainerPort[] {
  const options = { hostNetwork, init: init && text(field(container, "restartPolicy")) !== "Always" }; // a sidecar runs beside the others
  const names = new Map<string, Cursor>();
  return items(field(container, "ports")).flatMap((cursor) => {
    const name = optionalText(cursor, "name", RULES.portName);
    const at = field(cursor, "name");
    if (name !== undefined && at !== undefined) {
      if (names.has(name)) complain(at, { code: "duplicate", message: `port name ${quoted(name)} is used twice in one container` });
      names.set(name, at);
    }
    const port = readPort(cursor, options);
    return port === undefined ? [] : [{ ...present("name", name), ...port }];
  });
}

function readPort(cursor: Cursor, options: PortOptions): ContainerPort | undefined {
  const containerPort = portNumber(field(cursor, "containerPort"));
  const given = field(cursor, "hostPort");
  const wanted = number(given) === 0 ? undefined : portNumber(given);
  const hostIP = optionalText(cursor, "hostIP", RULES.ip);
  const protocol = protocolOf(text(field(cursor, "protocol")));
  if (containerPort === undefined) return undefined;
  if (given !== undefined && wanted !== undefined) {
    if (options.hostNetwork && wanted !== containerPort) complain(given, { code: "value", message: `is ${wanted}, should be the container port ${containerPort}, as the pod uses the network of the host` });
    if (options.init && !options.hostNetwork) complain(given, { code: "value", message: "belongs to an init container, for which Kubernetes opens no host port, should be on a container" });
  }
  const hostPort = options.hostNetwork ? containerPort : wanted;
  if (hostPort !== undefined && !options.init) cursor.sheet.hostPorts.push({ ip: hostIP ?? "", port: hostPort, protocol, at: given ?? field(cursor, "containerPort") ?? cursor });
  return { containerPort, ...present("hostPort", hostPort), ...present("hostIP", hostIP), protocol };
}

function portNumber(cursor: Cursor | undefined): number | undefined {
  const port = number(cursor);
  if (cursor === undefined || port === undefined || !Number.isInteger(port)) return undefined;
  if (port >= 1 && port <= 65535) return port;
  complain(cursor, { code: "value", message: `is ${port}, should be a port from 1 to 65535` });
  return undefined;
}

/** The schema has refused any other text. */
const protocolOf = (value: string | undefined): ContainerPort["protocol"] => (value === "UDP" || value === "SCTP" ? value : "TCP");
