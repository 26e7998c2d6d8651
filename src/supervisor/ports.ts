/** Host ports that others listen on: found before anything is made, and told with who it is, as far as that can be known. */
import { fail } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { userName } from "../base/users.ts";
import { listenersOf, OVERFLOW, processOf, readListeners, SOCKET_TABLES, type Listener } from "../network/listeners.ts";
import { hostPortsOf } from "../pod/records.ts";
import { heldPorts, type HeldPort } from "../service/conflicts.ts";
import type { Engine } from "../service/engine.ts";
import { unitOfProcess } from "../systemd/host.ts";
import { userRuntime } from "../systemd/scope.ts";
import type { PlayRequest } from "./play.ts";

/** Fails with kind `conflict` when something that is not of this service listens on a host port of its pods. */
export async function refuseHeldPorts({ host: { state }, paths }: Engine, request: Pick<PlayRequest, "record" | "objects" | "start">): Promise<void> {
  if (!request.start) return;
  const service = request.record.name;
  const pods = request.objects.flatMap(({ object }) => (object.kind === "Pod" ? [{ name: object.metadata.name, ports: hostPortsOf(object, object.spec.hostNetwork ? "host" : request.record.options.network) }] : []));
  if (pods.every(({ ports }) => ports.length === 0)) return;
  const own = state.pods({ service }).flatMap(({ uid }) => state.hostPorts(uid));
  const held = heldPorts(pods, { own, listeners: readListeners() });
  if (held.length === 0) return;
  const told = await Promise.all(held.map(async (each) => sentence(each, await holderOf(each.listener, paths.rootless?.uid))));
  fail("conflict", `Cannot play "${service}": ${told.join("; ")}`, { code: "EPORTCONFLICT", hint: "nothing was changed" });
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
