/** Host ports that others listen on: found before anything is made, and told with who it is, as far as that can be known. */
import { fail } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { userName } from "../base/users.ts";
import { listenersOf, OVERFLOW, processOf, readListeners, SOCKET_TABLES, type Listener } from "../network/listeners.ts";
import { firstFreePort, freePortCommand } from "../network/lowPorts.ts";
import { hostPortsOf } from "../pod/records.ts";
import { heldPorts, type HeldPort, type PodPorts } from "../service/conflicts.ts";
import type { Engine } from "../service/engine.ts";
import { unitOfProcess } from "../systemd/host.ts";
import { userRuntime } from "../systemd/scope.ts";
import type { PlayRequest } from "./play.ts";

/** Fails with kind `conflict` when something that is not of this service listens on a host port of its pods. */
export async function refuseHeldPorts({ host: { state }, paths }: Engine, request: Pick<PlayRequest, "record" | "objects" | "start">): Promise<void> {
  if (!request.start) return;
  const service = request.record.name;
  const pods = podPorts(request);
  if (pods.every(({ ports }) => ports.length === 0)) return;
  const own = state.pods({ service }).flatMap(({ uid }) => state.hostPorts(uid));
  const held = heldPorts(pods, { own, listeners: readListeners() });
  if (held.length === 0) return;
  const told = await Promise.all(held.map(async (each) => sentence(each, await holderOf(each.listener, paths.rootless?.uid))));
  fail("conflict", `Cannot play "${service}": ${told.join("; ")}`, { code: "EPORTCONFLICT", hint: "nothing was changed" });
}

const podPorts = ({ objects, record }: Pick<PlayRequest, "record" | "objects">): readonly PodPorts[] =>
  objects.flatMap(({ object }) => {
    if (object.kind !== "Pod") return [];
    const network = object.spec.hostNetwork ? "host" : record.options.network;
    return [{ name: object.metadata.name, network, ports: hostPortsOf(object, network) }];
  });

/**
 * Fails with kind `unavailable` when an ordinary user's pods ask for host ports that are not for such. Those of a manifest
 * have been told at their fields; this one hears of `--publish` too. On the host's network nothing is opened for a pod.
 */
export function refuseLowPorts({ paths: { rootless } }: Pick<Engine, "paths">, request: Pick<PlayRequest, "record" | "objects">, first = firstFreePort()): void {
  if (rootless === undefined) return;
  const low = podPorts(request).filter(({ network }) => network !== "host").flatMap(({ name, ports }) => ports.filter(({ port }) => port < first).map((each) => ({ name, ...each })));
  if (low.length === 0) return;
  const told = low.map(({ name, port, protocol }) => `host port ${port}/${protocol} of pod "${name}" is not for user "${userName(rootless.uid)}", it should be ${first} or more`);
  fail("unavailable", `Cannot play "${request.record.name}": ${told.join("; ")}`, { code: "ELOWPORT", hint: `nothing was changed; this lets users have it: ${freePortCommand(Math.min(...low.map(({ port }) => port)))}` });
}

const sentence = ({ pod, port: { port, protocol } }: HeldPort, holder: string): string => `host port ${port}/${protocol} of pod "${pod}" is held by ${holder}, it should be free`;

/** In words. Inside of a user's namespaces root is the user, and everybody else has no number. `user`: whose they are. */
async function holderOf(listener: Listener, user: number | undefined): Promise<string> {
  const uid = user === undefined || listener.uid !== OVERFLOW ? (user !== undefined && listener.uid === 0 ? user : listener.uid) : await uidOutside(listener.inode, user);
  const who = uid === undefined ? "another user" : uid === 0 ? "root" : `user "${userName(uid)}"`;
  const pid = processOf(listener.inode);
  if (pid === undefined) return who;
  const unit = unitOfProcess(readIfExists(`/proc/${pid}/cgroup`) ?? "")?.unit;
  const program = readIfExists(`/proc/${pid}/comm`)?.trim();
  return `process ${pid} (${program ?? "ended"}) of ${who}${unit === undefined ? "" : ` in unit "${unit}"`}`;
}

const MARK = "-- table --";

/** Asks the user's manager, which is outside, for the tables: it sees everybody's number. */
async function uidOutside(inode: string, user: number): Promise<number | undefined> {
  const script = SOCKET_TABLES.map((name) => `echo "${MARK}"; cat /proc/net/${name} 2>/dev/null`).join("; ");
  const argv = ["systemd-run", "--user", "--pipe", "--wait", "--quiet", "--collect", "--", "/bin/sh", "-c", script];
  const { stdout } = await exec(argv, { env: { XDG_RUNTIME_DIR: userRuntime(user) }, allowFailure: true, timeout: 10_000 }).catch(() => ({ stdout: "" }));
  const tables = stdout.split(MARK).slice(1).map((text) => text.trimStart());
  return tables.flatMap((table, index) => listenersOf(table, SOCKET_TABLES[index]?.startsWith("udp") === true ? "udp" : "tcp")).find((each) => each.inode === inode)?.uid;
}
