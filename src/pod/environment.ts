/** The environment of one container, with what it takes from the pod's own fields, volumes and configuration. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { type Environment, resolveEnvironment } from "../container/environment.ts";
import type { Container } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { O_PATH, openBelow, RESOLVE } from "../storage/syscalls.ts";
import { allocatableOf, factsOf } from "./facts.ts";
import type { ConfigSource, PodHost } from "./pod.ts";
import { volumeDirectory } from "./volumes.ts";

/** A container's file must not make us read for ever (the kubelet's limit for a line of it). */
const LARGEST = 64 * 1024;

/** Kind `invalid`, in the kubelet's words, when a reference that must lead somewhere does not. */
export function environmentOf(host: PodHost, record: PodRecord, { container, config }: { readonly container: Container; readonly config: ConfigSource }): Environment {
  const { namespace } = record.pod.metadata;
  const resolved = resolveEnvironment(container, {
    ...factsOf(host, record),
    allocatable: allocatableOf(host),
    configMaps: config.configMaps(namespace),
    secrets: config.secrets(namespace),
    fileOf({ volumeName, path }) {
      const volume = record.pod.spec.volumes.find(({ name }) => name === volumeName) ?? fail("invalid", `Cannot read volume "${volumeName}": the pod has no such volume`);
      return textBelow(volumeDirectory(host, record, volume), path);
    },
  });
  return resolved.errors.length > 0 ? fail("invalid", resolved.errors.join("; ")) : resolved;
}

/** The text of a regular file; undefined when there is none. A link that leads out of the volume is an error. */
function textBelow(directory: string, path: string): string | undefined {
  const root = openSync(directory, O_PATH | constants.O_DIRECTORY);
  try {
    const fd = unless("ENOENT", () => openBelow(root, path, { flags: constants.O_RDONLY | constants.O_NONBLOCK, resolve: RESOLVE.beneath }), undefined);
    return fd === undefined ? undefined : readAndClose(fd, path);
  } finally {
    closeSync(root);
  }
}

function readAndClose(fd: number, path: string): string {
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > LARGEST) fail("invalid", `Cannot read "${path}" of the volume: it must be a file of at most ${LARGEST} bytes`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
