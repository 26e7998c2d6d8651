/**
 * What exists without a record: nothing, by the rule "recorded before made, forgotten after gone", unless a record was
 * lost: by a reboot, which leaves the logs of the pods that ran, or with a damaged database that was set aside. Found by
 * comparing disk and OCI runtime with the database. What exists is listed before the records are read, so that whatever
 * another process makes meanwhile is on record.
 */
import { readdirSync } from "node:fs";
import { unless } from "../base/errors.ts";
import { allDone } from "../base/promises.ts";
import { removeTree } from "../base/files.ts";
import { bundleDirectory, uidOfLogs } from "../base/paths.ts";
import { pauseId } from "../pod/processes.ts";
import { removeClaim } from "../pod/claims.ts";
import { removePodDirectories } from "../pod/sandbox.ts";
import { containerId } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import type { Engine } from "./engine.ts";

export async function removeOrphans({ host, paths }: Engine): Promise<void> {
  const ids = await host.runtime.list();
  const uids = [`${paths.runtime}/pods`, `${paths.durable}/pods`].flatMap(entries);
  const logs = entries(paths.logs).map((name) => ({ name, uid: uidOfLogs(name) }));
  const claims = host.claims.all();
  const known = new Set([...host.state.runs().map(({ id }) => id), ...host.state.containers().flatMap(idsOf)].map(String));
  for (const { uid } of host.state.pods()) known.add(pauseId(uid));
  const pods = new Set(host.state.pods().map(({ uid }) => String(uid)));
  await allDone(ids.filter((id) => !known.has(id)).map(removeContainer));
  await allDone([...new Set(uids)].filter((uid) => !pods.has(uid)).map((uid) => removePodDirectories(host, uid)));
  for (const claim of claims) if (claim.phase === "Removing" || (claim.owner !== "" && !pods.has(claim.owner))) await removeClaim(host, claim);
  for (const { name, uid } of logs) if (uid !== undefined && !pods.has(uid)) await removeTree(`${paths.logs}/${name}`);

  async function removeContainer(id: string): Promise<void> {
    const uid = uids.find((each) => entries(`${paths.runtime}/pods/${each}/containers`).includes(id)) ?? "orphan";
    await host.runtime.remove(containerId(id), bundleDirectory(paths, uid, id));
  }
}

const entries = (directory: string): readonly string[] => unless("ENOENT", () => readdirSync(directory), []).filter((name) => !name.startsWith(".gone-"));

/** Ids that a container's record vouches for: its present start, and the one before until it has been taken away. */
const idsOf = ({ state, last }: ContainerRecord): readonly string[] => [...("id" in state ? [state.id] : []), ...(last === undefined ? [] : [last.id])];
