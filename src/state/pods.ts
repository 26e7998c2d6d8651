/** Pods: recorded first, with everything they hold exclusively (name, address, host ports), and forgotten last. */
import { fail } from "../base/errors.ts";
import { addressBeside, lowestFree } from "./addresses.ts";
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
  readonly pod: Omit<PodRecord, "ip" | "ip6">;
  readonly containers: readonly ContainerRecord[];
  readonly subnet?: string;
  readonly subnet6?: string;
  readonly hostPorts: readonly HostPort[];
}

function addPod(database: Database, addition: Addition): PodRecord {
  const { pod, containers, hostPorts } = addition;
  refuseTakenName(database, pod);
  const added: PodRecord = { ...pod, ...(pod.network === "bridge" ? freeAddresses(database, addition) : { ip: "" }) };
  database.run(PODS.insert, PODS.values(added));
  for (const container of containers) database.run(CONTAINERS.insert, CONTAINERS.values(container));
  for (const port of hostPorts) reservePort(database, port, pod);
  return added;
}

/** A pod of the same service that is on its way out does not stand in the way of its successor. */
function refuseTakenName(database: Database, { service, pod }: Omit<PodRecord, "ip" | "ip6">): void {
  const { namespace, name } = pod.metadata;
  const holder = database.selectOne(PODS, "WHERE namespace = ? AND name = ? AND (service <> ? OR wanted <> 'removed')", [namespace, name, service]);
  if (holder === undefined) return;
  fail("conflict", `Cannot add pod "${namespace}/${name}": service "${holder.service}" has a pod of that name, it should have another name or namespace`, {
    code: "EPODCONFLICT",
    hint: `wherry down ${holder.service}`,
    context: { service: holder.service, uid: holder.uid },
  });
}

function freeAddresses(database: Database, { subnet = "", subnet6 }: Addition): Pick<PodRecord, "ip" | "ip6"> {
  const ip = lowestFree(subnet, new Set(database.select(POD_ADDRESSES, "WHERE ip <> ''").map((taken) => taken.ip)));
  return subnet6 === undefined ? { ip } : { ip, ip6: addressBeside(ip, { subnet, subnet6 }) };
}

function reservePort(database: Database, wanted: HostPort, { uid, pod }: Omit<PodRecord, "ip" | "ip6">): void {
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
