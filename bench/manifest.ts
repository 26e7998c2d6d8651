/** The manifests that are played: pods of one container each, of a busybox image that every engine has imported. */
import { writeFileSync } from "node:fs";

export const IMAGE = "localhost/bench:1";
/** Grace period of every pod, in seconds. */
export const GRACE = 2;

/** What a payload does at SIGTERM. Process 1 of a pid namespace ignores a signal that it has no handler for. */
export const PAYLOADS = {
  obeying: ["/bin/sh", "-c", "trap exit TERM; sleep 100000 & wait"],
  ignoring: ["/bin/sleep", "100000"],
} as const;
export type Payload = keyof typeof PAYLOADS;

export interface Manifest {
  /** Name of the service that wherry makes of the file. */
  readonly service: string;
  readonly file: string;
  readonly size: number;
  readonly argv: readonly string[];
}

/** Writes the manifest of `size` pods into a directory. */
export function writeManifest(directory: string, size: number, payload: Payload): Manifest {
  const service = `${payload}-${size}`;
  const manifest = { service, file: `${directory}/${service}.yaml`, size, argv: PAYLOADS[payload] };
  const pods = Array.from({ length: size }, (_, index) => pod(`p${index + 1}`, manifest.argv));
  writeFileSync(manifest.file, pods.map((each) => JSON.stringify(each)).join("\n---\n")); // JSON is YAML
  return manifest;
}

/** Writes a manifest of pods that serve a page, and are asked for it every ten seconds. */
export function writeProbed(directory: string, size: number): Manifest {
  const service = `probed-${size}`;
  const argv = ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"];
  const manifest = { service, file: `${directory}/${service}.yaml`, size, argv };
  const probes = { livenessProbe: { httpGet: { port: 8080, path: "/" }, periodSeconds: 10 } };
  const pods = Array.from({ length: size }, (_, index) => pod(`p${index + 1}`, argv, { more: probes }));
  writeFileSync(manifest.file, pods.map((each) => JSON.stringify(each)).join("\n---\n"));
  return manifest;
}

/** Writes a manifest of one pod of a certain image; service and pod have the name given. */
export function writePod(directory: string, name: string, image: string): Manifest {
  const argv = PAYLOADS.obeying;
  const manifest = { service: name, file: `${directory}/${name}.yaml`, size: 1, argv };
  writeFileSync(manifest.file, JSON.stringify(pod(name, argv, { image })));
  return manifest;
}

function pod(name: string, command: readonly string[], { image = IMAGE, more = {} }: { readonly image?: string; readonly more?: object } = {}): unknown {
  const containers = [{ name: "c", image, command, ...more }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { terminationGracePeriodSeconds: GRACE, containers } };
}
