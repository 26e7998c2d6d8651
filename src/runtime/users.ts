/** User namespaces of containers: what the OCI runtimes do differently about them. */
import { chownSync, statSync } from "node:fs";
import { basename } from "node:path";
import { unless } from "../base/errors.ts";
import { at, numberAt, textAt } from "./json.ts";
import type { OciConfig } from "./oci.ts";
import { ownCapabilities } from "./rlimits.ts";

/**
 * The configuration for a runtime that is to enter a user namespace which exists. runc up to 1.1 must be told its
 * mappings. crun must not: when it knows whose root is, it gives its standard streams to that id, and up to 1.23 also
 * when one of them is the host's /dev/null.
 */
export function fitMappings(config: OciConfig, { runtime }: { readonly runtime: string }): OciConfig {
  if (!basename(runtime).startsWith("crun") || !config.linux.namespaces.some(({ type, path }) => type === "user" && path !== undefined)) return config;
  const { uidMappings: _uids, gidMappings: _gids, ...linux } = config.linux;
  return { ...config, linux };
}

/** Gives the pipes that are the standard streams of a created container to its user, who may then open /dev/stdout; nothing else is given away. */
export function giveStreams(pid: number, config: OciConfig): void {
  const first = (mappings: OciConfig["linux"]["uidMappings"]): number | undefined => mappings?.find(({ containerID }) => containerID === 0)?.hostID;
  const [uid, gid] = [first(config.linux.uidMappings), first(config.linux.gidMappings)];
  if (uid === undefined || gid === undefined) return;
  const { user } = config.process;
  for (const stream of [0, 1, 2]) {
    const path = `/proc/${pid}/fd/${stream}`;
    unless("ENOENT", () => statSync(path).isFIFO() && chownSync(path, uid + user.uid, gid + user.gid), undefined);
  }
}

/**
 * Words before the command of a further process in a container with a user namespace, whose limits are higher than ours
 * may be: crun sets them when it has entered it, and there nobody may raise them any more.
 */
export function raisingLimits(config: unknown, capabilities: readonly string[] = ownCapabilities()): readonly string[] {
  const namespaces = at(config, "linux", "namespaces");
  const own = Array.isArray(namespaces) && namespaces.some((each) => textAt(each, "type") === "user");
  const rlimits = at(config, "process", "rlimits");
  if (!own || !Array.isArray(rlimits) || !capabilities.includes("CAP_SYS_RESOURCE")) return [];
  const options = rlimits.map((each) => `--${textAt(each, "type")?.replace("RLIMIT_", "").toLowerCase()}=${numberAt(each, "soft")}:${numberAt(each, "hard")}`);
  return options.length === 0 ? [] : ["prlimit", ...options, "--"];
}
