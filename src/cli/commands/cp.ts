/** `wherry cp`: files and directories from and to a running container; the image needs no program for it. */
import { statSync, readlinkSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { fail, messageOf } from "../../base/errors.ts";
import { bundleDirectory } from "../../base/paths.ts";
import { withFileIds } from "../../base/fileIds.ts";
import { readIfExists } from "../../base/files.ts";
import { numberAt, parseJson, textAt } from "../../runtime/json.ts";
import { copyIn, copyOut, type Guest, openGuest } from "../../storage/guest.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { parsePlace, type RemotePlace } from "../copyPlace.ts";
import { chooseContainer, containersOf, findPod } from "../find.ts";
import { CONTAINER, NAMESPACE, namespaceOf } from "../options.ts";
import { ownerFor, rootOf } from "../ownership.ts";
import { runningId } from "../running.ts";

export const command: Command = {
  description:
    "To a container: into a directory that exists, or under a new name; SOURCE/. is what is in SOURCE.\n" +
    "From a container: what is in a directory goes into DESTINATION, beside what is there; a file into a directory that exists, or under a new name.\n" +
    "Symbolic links are copied to a container, but not from it.\n" +
    "What is copied to a container whose user is root keeps owner and mode; else it belongs to that user. Other files are overwritten.",
  examples: ["wherry cp web:/etc/nginx/nginx.conf .", "wherry cp -c httpd site/. shop/web:/www"],
  options: [NAMESPACE, CONTAINER, { long: "no-preserve", summary: "files of a container belong to its user and cannot be set-id" }],
  words: [{ name: "SOURCE", complete: "files" }, { name: "DESTINATION", complete: "files" }],
  run: cp,
};

async function cp(context: Context, input: Input): Promise<Outcome> {
  const [source = "", destination = ""] = input.words;
  const [from, to] = [parsePlace(source), parsePlace(destination)];
  const skipped: string[] = [];
  const onSkip = (path: string, what: string): void => void skipped.push(`warning: left out "${path}": it is ${what}\n`);
  if (typeof from === "string" && typeof to !== "string") {
    const local = here(context, from);
    if (statSync(local, { throwIfNoEntry: false }) === undefined) fail("notFound", `Cannot copy "${from}": it does not exist`);
    using there = await enter(context, input, to);
    tried(from, () => withFileIds(rootOf(mapsOf(there)), () => copyIn(there.guest, { source: local, target: there.path }, { onSkip, give: ownerFor({ ...there, ...mapsOf(there), plain: input.flag("no-preserve") }) })));
  } else if (typeof from !== "string" && typeof to === "string") {
    using there = await enter(context, input, from);
    tried(source, () => copyOut(there.guest, { source: there.path, target: here(context, to) }, { onSkip }));
  } else {
    fail("usage", `Cannot copy "${source}" to "${destination}": one of them must be POD:PATH, the other a path of this host`);
  }
  for (const line of skipped) await context.stderr.write(line);
  return { kind: "none" };
}

/** `resolve` would take the end away that says "what is in it", or "a directory". */
function here(context: Context, path: string): string {
  const end = /(^|\/)\.$/.test(path) ? "/." : path.endsWith("/") ? "/" : "";
  const absolute = resolve(context.cwd, path);
  return absolute === "/" ? `/${end.slice(1)}` : absolute + end;
}

/** What the system says of a file becomes an error of ours. */
function tried(what: string, action: () => void): void {
  try {
    action();
  } catch (thrown) {
    if (!(thrown instanceof Error) || !("syscall" in thrown)) throw thrown;
    fail("failed", `Cannot copy "${what}": ${messageOf(thrown)}`, { cause: thrown });
  }
}

interface There extends Disposable {
  readonly guest: Guest;
  /** Absolute. */
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** Opens the container's root, and makes sure that it is still that container's. */
async function enter(context: Context, input: Input, { namespace, pod: name, path }: RemotePlace): Promise<There> {
  const state = await context.engine.runtime();
  const pod = findPod(state, { namespace: namespace ?? namespaceOf(input, { all: false }) ?? "default", name });
  const { container, note } = chooseContainer(pod, containersOf(state, pod), input.text("container"));
  if (note !== "") await context.stderr.write(`${note}\n`);
  const id = runningId(container, { action: "copy from or to", pod: name });
  const bundle = bundleDirectory(context.paths, pod.uid, id);
  const oci = await context.engine.oci();
  const { pid } = await oci.observe(id, bundle);
  const gone = (): never => fail("failed", `Cannot copy from or to container "${container.name}" of pod "${name}": it has just ended`);
  const guest = pid > 0 ? openGuest(pid) : gone();
  // The number may have been given to another process before its root was opened, but not before the container ended.
  if ((await oci.observe(id, bundle)).pid !== pid) gone();
  const config = parseJson(readIfExists(`${bundle}/config.json`) ?? "");
  const user = { uid: numberAt(config, "process", "user", "uid") ?? 0, gid: numberAt(config, "process", "user", "gid") ?? 0 };
  const full = isAbsolute(path) ? path : `${textAt(config, "process", "cwd") ?? ""}/${path}`;
  return { guest, path: full, ...user, pid, [Symbol.dispose]: () => guest[Symbol.dispose]() };
}

function mapsOf({ pid }: There): { readonly uidMap: string; readonly gidMap: string } {
  // Of our own namespace the kernel tells the map to the one around it (user_namespaces(7)); what is in ours has our numbers.
  const shared = readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync("/proc/self/ns/user");
  const map = (kind: "uid" | "gid"): string => (shared ? "0 0 4294967295" : (readIfExists(`/proc/${pid}/${kind}_map`) ?? ""));
  return { uidMap: map("uid"), gidMap: map("gid") };
}
