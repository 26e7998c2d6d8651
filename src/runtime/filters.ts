/**
 * Compiled seccomp filters. crun translates a profile into a filter for every container anew, which takes longer than
 * all else it does; it leaves the result beside the container's record, and takes a ready one by an annotation
 * (crun(1), `run.oci.seccomp_bpf_data`). The same profile and the same program give the same filter.
 */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { unless } from "../base/errors.ts";
import { ensureDirectory, writeAtomically } from "../base/files.ts";
import { LEARNED } from "./learned.ts";
import type { OciConfig } from "./oci.ts";
import { recordDirectory } from "./record.ts";

export interface FilterUse {
  /** State of the OCI runtime (`--root`). */
  readonly root: string;
  /** Path of the OCI runtime's program. */
  readonly runtime: string;
}

/** The configuration with its compiled filter, when one is known. Only crun takes one. */
export function withFilter(config: OciConfig, use: FilterUse): OciConfig {
  const path = filterOf(config, use);
  const filter = path === undefined ? undefined : bytesOf(path);
  if (filter === undefined) return config;
  return { ...config, annotations: { ...config.annotations, "run.oci.seccomp_bpf_data": Buffer.from(filter).toString("base64") } };
}

/** Keeps the filter that crun has compiled for a container it just created. */
export function keepFilter(config: OciConfig, use: FilterUse, id: string): void {
  const path = filterOf(config, use);
  if (path === undefined || bytesOf(path) !== undefined) return;
  const filter = bytesOf(`${recordDirectory(use.root, id)}/seccomp.bpf`);
  if (filter === undefined || filter.length === 0) return;
  ensureDirectory(`${use.root}/${LEARNED.filters}`);
  writeAtomically(path, filter, { durable: false });
}

function filterOf(config: OciConfig, { root, runtime }: FilterUse): string | undefined {
  if (config.linux.seccomp === undefined || basename(runtime) !== "crun") return undefined;
  const text = JSON.stringify([config.linux.seccomp, runtime, statSync(runtime).mtimeMs]);
  return `${root}/${LEARNED.filters}/${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
}

function bytesOf(path: string): Uint8Array | undefined {
  return unless("ENOENT", () => readFileSync(path), undefined);
}
