/** The credentials of a pod's imagePullSecrets as files for one pull: on tmpfs below the pod's directory, readable by nobody else. */
import { rmSync } from "node:fs";
import { ensureDirectory, writeAtomically } from "../base/files.ts";
import { podDirectory, type Paths } from "../base/paths.ts";
import { credentialsFor, credentialsIn, type Credential, type Secret } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { parseReference } from "../storage/references.ts";
import type { AuthFile, ConfigSource } from "./pod.ts";

export interface PullSecrets {
  readonly found: readonly Secret[];
  /** Names that no Secret of the pod's namespace has. */
  readonly missing: readonly string[];
}

/** The pull secrets of a pod as they are now. */
export function pullSecretsOf({ pod: { metadata, spec } }: Pick<PodRecord, "pod">, config: Pick<ConfigSource, "secrets">): PullSecrets {
  const names = (spec.imagePullSecrets ?? []).map(({ name }) => name);
  if (names.length === 0) return { found: [], missing: [] };
  const secrets = config.secrets(metadata.namespace);
  return {
    found: names.flatMap((name) => secrets.find((secret) => secret.metadata.name === name) ?? []),
    missing: names.filter((name) => !secrets.some((secret) => secret.metadata.name === name)),
  };
}

/** Files that are removed when disposed of. */
export interface AuthFiles extends Disposable {
  readonly files: readonly AuthFile[];
}

/**
 * Writes one file for each credential that is for the image, in the order in which they are tried. They are below the
 * directory of a recorded pod, so a crash leaves them to its removal. Kind `invalid` when a Secret holds no credentials.
 */
export function writeAuthFiles(paths: Paths, uid: string, { reference, secrets }: { readonly reference: string; readonly secrets: readonly Secret[] }): AuthFiles {
  const { registry, repository } = secrets.length === 0 ? { registry: "", repository: "" } : parseReference(reference);
  const credentials = credentialsFor(`${registry}/${repository}`, secrets.flatMap(credentialsIn));
  if (credentials.length === 0) return { files: [], [Symbol.dispose]: () => {} };
  const directory = `${podDirectory(paths, uid)}/pulls/${crypto.randomUUID()}`;
  ensureDirectory(directory);
  return {
    files: credentials.map((credential, index) => writeOne(`${directory}/${index}.json`, registry, credential)),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function writeOne(path: string, registry: string, { username, password }: Credential): AuthFile {
  const text = JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } } });
  writeAtomically(path, text, { mode: 0o600, durable: false });
  return { path, digest: new Bun.CryptoHasher("sha256").update(text).digest("hex") };
}
