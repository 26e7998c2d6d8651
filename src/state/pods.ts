/** Pods: recorded first, with everything they hold exclusively (name, address, host ports), and forgotten last. */
import { fail } from "../base/errors.ts";
import { lowestFree } from "./addresses.ts";
import { matching } from "./columns.ts";
import type { Database } from "./database.ts";
import { CONTAINERS, HOST_PORTS, POD_ADDRESSES, PODS } from "./rows.ts";
import type { ContainerRecord, HostPort, PodRecord, RuntimeState } from "./state.ts";

export function pods(database: Database): Pick<RuntimeState, "pods" | "pod" | "addPod" | "updatePod" | "removePod" | "hostPorts"> {
  return {
    pods: (filter = {}) => {
      const { where, values } = matching({ "service = ?": filter.service, "namespace = ?": filter.namespace, "name = ?": filter.name });
      return database.select(PODS, `${where} ORDER BY position`, values);
    },
    pod: (uid) => database.selectOne(PODS, "WHERE uid = ?", [uid]),
    addPod: (pod, containers, request) => database.transaction(() => addPod(database, { pod, containers, ...request })),
    updatePod: (uid, change) => void database.update(PODS, change, { where: "uid = ?", values: [uid] }),
    removePod: (uid) => void database.run("DELETE FROM pods WHERE uid = ?", [uid]),
    hostPorts: (uid) => database.select(HOST_PORTS, "WHERE pod = ? ORDER BY port, protocol, ip", [uid]).map(({ pod: _, ...held }) => held),
  };
}

interface Addition {
  readonly pod: Omit<PodRecord, "ip">;
  readonly containers: readonly ContainerRecord[];
  readonly subnet?: string;
  readonly hostPorts: readonly HostPort[];
}

function addPod(database: Database, { pod, containers, subnet, hostPorts }: Addition): PodRecord {
  refuseTakenName(database, pod);
  const added: PodRecord = { ...pod, ip: pod.network === "bridge" ? freeAddress(database, subnet ?? "") : "" };
  database.run(PODS.insert, PODS.values(added));
  for (const container of containers) database.run(CONTAINERS.insert, CONTAINERS.values(container));
  for (const port of hostPorts) reservePort(database, port, pod);
  return added;
}

/** A pod of the same service that is on its way out does not stand in the way of its successor. */
function refuseTakenName(database: Database, { service, pod }: Omit<PodRecord, "ip">): void {
  const { namespace, name } = pod.metadata;
  const holder = database.selectOne(PODS, "WHERE namespace = ? AND name = ? AND (service <> ? OR wanted <> 'removed')", [namespace, name, service]);
  if (holder === undefined) return;
  fail("conflict", `Cannot add pod "${namespace}/${name}": service "${holder.service}" has a pod of that name, it should have another name or namespace`, {
    code: "EPODCONFLICT",
    hint: `wherry down ${holder.service}`,
    context: { service: holder.service, uid: holder.uid },
  });
}

function freeAddress(database: Database, subnet: string): string {
  return lowestFree(subnet, new Set(database.select(POD_ADDRESSES, "WHERE ip <> ''").map(({ ip }) => ip)));
}

function reservePort(database: Database, wanted: HostPort, { uid, pod }: Omit<PodRecord, "ip">): void {
  const held = database.select(HOST_PORTS, "WHERE port = ? AND protocol = ?", [wanted.port, wanted.protocol]);
  const conflict = held.find((other) => overlap(other.ip, wanted.ip));
  if (conflict !== undefined) refusePort(database, wanted, { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, holder: conflict.pod });
  database.run(HOST_PORTS.insert, HOST_PORTS.values({ ...wanted, pod: uid }));
}

/** True when two listening addresses cannot both have one port (ip(7), INADDR_ANY). */
function overlap(one: string, other: string): boolean {
  return one === other || ANY_ADDRESS.includes(one) || ANY_ADDRESS.includes(other);
}
const ANY_ADDRESS: readonly string[] = ["", "0.0.0.0", "::"];

function refusePort(database: Database, { ip, port, protocol }: HostPort, names: { readonly pod: string; readonly holder: string }): never {
  const holder = database.selectOne(PODS, "WHERE uid = ?", [names.holder]);
  const by = holder === undefined ? "another pod" : `pod "${holder.pod.metadata.namespace}/${holder.pod.metadata.name}" of service "${holder.service}"`;
  const address = ip === "" ? `${port}` : `${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
  return fail("conflict", `Cannot add pod "${names.pod}": host port ${address}/${protocol} is held by ${by}, it should be a free one`, {
    code: "EPORTCONFLICT",
    ...(holder === undefined ? {} : { context: { service: holder.service, uid: holder.uid } }),
  });
}
