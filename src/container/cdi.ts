/**
 * Devices by their CDI names (Container Device Interface, SPEC.md of the project): `vendor/class=device` in
 * `resources.limits`. A specification says what a container with the device gets besides. Pure but for `readCdi`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { YAML } from "bun";
import { fail, messageOf, unless } from "../base/errors.ts";
import type { OciConfig, OciDevice, OciHook, OciMount } from "../runtime/oci.ts";
import { at, numberAt, textAt, textsAt } from "../runtime/mod.ts";
import type { Container } from "../spec/spec.ts";
import { amountOf } from "./amounts.ts";
import type { DeviceRule } from "./defaults.ts";
import { deviceAt } from "./hostDevices.ts";

/** Where specifications are, the later directory before the earlier. */
const DIRECTORIES = ["/etc/cdi", "/var/run/cdi"];

/** A specification as it was read, with its file. */
export interface CdiSpec {
  readonly file: string;
  readonly value: unknown;
}

/** All specifications of the host. Kind `failed` when one cannot be read. */
export function readCdi(directories: readonly string[] = DIRECTORIES): readonly CdiSpec[] {
  const files = directories.flatMap((directory) => unless("ENOENT", () => readdirSync(directory), []).filter((name) => /\.(json|ya?ml)$/.test(name)).toSorted().map((name) => `${directory}/${name}`));
  return files.map((file) => {
    try {
      const text = readFileSync(file, "utf8");
      return { file, value: file.endsWith(".json") ? JSON.parse(text) : YAML.parse(text) };
    } catch (cause) {
      return fail("failed", `Cannot read CDI specification "${file}": ${messageOf(cause)}`, { cause });
    }
  });
}

/** The CDI devices that a container asks for. */
export const cdiNames = (container: Container): readonly string[] =>
  Object.keys(container.resources.limits).filter((name) => name.includes("=") && amountOf(container, "limits", name) > 0);

export interface CdiSource {
  readonly specs: readonly CdiSpec[];
  /** In a user namespace no device file can be made: the host's own is mounted. The OCI runtime would take the one of the same path. */
  readonly bound: boolean;
}

/** The configuration with what the devices bring. Kind `failed` for a device that no specification has, by its name. */
export function withCdi(config: OciConfig, names: readonly string[], { specs, bound }: CdiSource): OciConfig {
  const edits = names.map((name) => ({ name, ...find(name, specs) })).flatMap(({ name, spec, device }) => [spec, device].map((from) => editsOf(at(from, "containerEdits"), name)));
  const common = [...new Map(edits.map((each) => [JSON.stringify(each), each])).values()]; // what a specification says for all of its devices, once
  return common.map((each) => (bound ? asMounts(each) : each)).reduce(apply, config);
}

function find(name: string, specs: readonly CdiSpec[]): { readonly spec: unknown; readonly device: unknown } {
  const [kind, wanted] = name.split("=");
  for (const { value } of specs.toReversed()) {
    const device = textAt(value, "kind") === kind ? listAt(value, "devices").find((each) => textAt(each, "name") === wanted) : undefined;
    if (device !== undefined) return { spec: value, device };
  }
  return fail("failed", `Cannot give device "${name}" to the container: unresolvable CDI device, it must be in a specification in ${DIRECTORIES.join(" or ")}`);
}

/** `source` is the device file of the host. */
type Node = OciDevice & { readonly permissions: string; readonly source: string; readonly mounted?: true };

interface Edits {
  readonly env: readonly string[];
  readonly devices: readonly Node[];
  readonly mounts: readonly OciMount[];
  readonly gids: readonly number[];
  readonly hooks: readonly (readonly [string, OciHook])[];
}

function editsOf(edits: unknown, device: string): Edits {
  return {
    env: textsAt(edits, "env"),
    devices: listAt(edits, "deviceNodes").map((node) => nodeOf(node, device)),
    mounts: listAt(edits, "mounts").map((mount) => mountOf(mount, device)),
    gids: listAt(edits, "additionalGids").filter((gid) => typeof gid === "number"),
    hooks: listAt(edits, "hooks").map((hook) => hookOf(hook, device)),
  };
}

function asMounts({ devices, mounts, ...others }: Edits): Edits {
  const files = devices.map(({ path, source }): OciMount => ({ destination: path, source, type: "bind", options: ["bind", "rprivate"] }));
  return { ...others, devices: devices.map((each) => ({ ...each, mounted: true })), mounts: [...files, ...mounts] };
}

function nodeOf(node: unknown, device: string): Node {
  const path = textAt(node, "path") ?? incomplete(device, "a device node has no path");
  const hostPath = textAt(node, "hostPath") ?? path;
  const [host] = deviceAt(hostPath) ?? [];
  const given = textAt(node, "type") ?? host?.type;
  const [type, major, minor] = [given === "u" ? "c" : given, numberAt(node, "major") ?? host?.major, numberAt(node, "minor") ?? host?.minor];
  if ((type !== "b" && type !== "c" && type !== "p") || (type !== "p" && (major === undefined || minor === undefined))) return incomplete(device, `"${hostPath}" is no device of this host`);
  const numbers = { fileMode: numberAt(node, "fileMode") ?? host?.fileMode, uid: numberAt(node, "uid") ?? host?.uid, gid: numberAt(node, "gid") ?? host?.gid };
  return { path, type, ...defined({ major, minor, ...numbers }), permissions: textAt(node, "permissions") ?? "rwm", source: hostPath };
}

function mountOf(mount: unknown, device: string): OciMount {
  const [source, destination] = [textAt(mount, "hostPath"), textAt(mount, "containerPath")];
  if (source === undefined || destination === undefined) return incomplete(device, "a mount has no hostPath or no containerPath");
  const options = textsAt(mount, "options");
  return { destination, source, type: textAt(mount, "type") ?? "bind", options: options.length === 0 ? ["bind", "rprivate"] : options };
}

/** A program of the host that the OCI runtime runs: the specification is the administrator's, and so is the program. */
function hookOf(hook: unknown, device: string): readonly [string, OciHook] {
  const [name, path] = [textAt(hook, "hookName"), textAt(hook, "path")];
  if (name === undefined || path === undefined) return incomplete(device, "a hook has no hookName or no path");
  return [name, { path, args: textsAt(hook, "args"), env: textsAt(hook, "env"), ...defined({ timeout: numberAt(hook, "timeout") }) }];
}

const incomplete = (device: string, what: string): never => fail("failed", `Cannot give device "${device}" to the container: ${what}`);

function apply(config: OciConfig, { env, devices, mounts, gids, hooks }: Edits): OciConfig {
  const { process: was, linux } = config;
  const rules = devices.map(({ type, major, minor, permissions }): DeviceRule => ({ allow: true, type, access: permissions, ...defined({ major, minor }) }));
  const variables = new Map([...was.env, ...env].map((entry) => [entry.split("=")[0] ?? "", entry]));
  const additionalGids = [...new Set([...(was.user.additionalGids ?? []), ...gids])];
  const nodes = devices.flatMap(({ permissions: _, source: __, mounted, ...node }): readonly OciDevice[] => (mounted === true ? [] : [node]));
  const kept = (linux.devices ?? []).filter(({ path }) => !devices.some((node) => node.path === path));
  return {
    ...config,
    process: { ...was, env: [...variables.values()], user: { ...was.user, ...(additionalGids.length === 0 ? {} : { additionalGids }) } },
    mounts: [...config.mounts, ...mounts],
    ...(hooks.length === 0 ? {} : { hooks: hooks.reduce((all, [name, hook]) => ({ ...all, [name]: [...(all[name] ?? []), hook] }), config.hooks ?? {}) }),
    linux: {
      ...linux,
      ...(devices.length === 0 ? {} : { devices: [...kept, ...nodes] }),
      resources: { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] },
    },
  };
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  return Array.isArray(found) ? found : [];
}

/** Without the keys that have no value. */
function defined<K extends string>(values: Readonly<Record<K, number | undefined>>): Readonly<Partial<Record<K, number>>> {
  const kept: Partial<Record<K, number>> = {};
  for (const key in values) if (values[key] !== undefined) kept[key] = values[key];
  return kept;
}
