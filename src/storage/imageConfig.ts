/** The OCI image configuration (image-spec config.md): read from `unknown`, and written for imported root filesystems. */
import { fail } from "../base/errors.ts";
import type { Healthcheck, ImageConfig } from "../spec/spec.ts";

/** What the store takes from a configuration blob. */
export interface ParsedConfig {
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly diffIds: readonly string[];
  /** ms since the epoch; 0 when the blob does not say */
  readonly created: number;
}

export const EMPTY_CONFIG: ImageConfig = {
  entrypoint: [], cmd: [], env: [], workingDir: "", user: "", stopSignal: "", volumes: [], labels: {}, exposedPorts: [],
};

/** Kind `invalid` when the text is not the configuration of a container image. */
export function parseImageConfig(text: string): ParsedConfig {
  const root = record(parseJson(text), "it");
  const config = record(root["config"] ?? {}, "config");
  const rootfs = record(root["rootfs"] ?? {}, "rootfs");
  if (rootfs["type"] !== "layers") refuse("rootfs.type", '"layers"');
  const created = Date.parse(string(root["created"], "created"));
  return {
    config: {
      entrypoint: strings(config["Entrypoint"], "config.Entrypoint"),
      cmd: strings(config["Cmd"], "config.Cmd"),
      env: strings(config["Env"], "config.Env"),
      workingDir: string(config["WorkingDir"], "config.WorkingDir"),
      user: string(config["User"], "config.User"),
      stopSignal: string(config["StopSignal"], "config.StopSignal"),
      volumes: Object.keys(record(config["Volumes"] ?? {}, "config.Volumes")),
      labels: texts(config["Labels"], "config.Labels"),
      exposedPorts: Object.keys(record(config["ExposedPorts"] ?? {}, "config.ExposedPorts")),
      ...healthcheckOf(config["Healthcheck"]),
    },
    diffIds: strings(rootfs["diff_ids"], "rootfs.diff_ids"),
    created: Number.isNaN(created) ? 0 : created,
  };
}

/** Docker's addition to the OCI configuration (`HEALTHCHECK`); zero means inherited. */
function healthcheckOf(value: unknown): { readonly healthcheck?: Healthcheck } {
  if (value === undefined || value === null) return {};
  const fields = record(value, "config.Healthcheck");
  const number = (from: string, to: string): Readonly<Record<string, number>> => {
    const found = fields[from];
    return typeof found === "number" && Number.isSafeInteger(found) && found !== 0 ? { [to]: found } : {};
  };
  const test = strings(fields["Test"], "config.Healthcheck.Test");
  return { healthcheck: { test, ...number("Interval", "interval"), ...number("Timeout", "timeout"), ...number("StartPeriod", "startPeriod"), ...number("Retries", "retries") } };
}

/** The configuration blob of an image of one layer, the same for the same input. */
export function writeImageConfig(config: ImageConfig, layer: { readonly diffId: string; readonly created: number }): string {
  const created = new Date(layer.created).toISOString();
  const set = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
  return JSON.stringify({
    created,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: {
      Entrypoint: config.entrypoint, Cmd: config.cmd, Env: config.env, WorkingDir: config.workingDir, User: config.user,
      StopSignal: config.stopSignal, Volumes: set(config.volumes), Labels: config.labels, ExposedPorts: set(config.exposedPorts),
    },
    rootfs: { type: "layers", diff_ids: [layer.diffId] },
    history: [{ created, created_by: "wherry image import" }],
  });
}

/** JSON as it is, or kind `invalid`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    fail("invalid", "Cannot read the image: it holds text that is not JSON", { cause });
  }
}

/** An object's fields. */
export function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(what, "an object");
  return { ...value };
}

/** A text; absent and null are empty. */
export function string(value: unknown, what: string): string {
  const text = value ?? "";
  return typeof text === "string" ? text : refuse(what, "a string");
}

/** A list of texts; absent and null are empty. */
export function strings(value: unknown, what: string): readonly string[] {
  const list: unknown = value ?? [];
  return Array.isArray(list) ? list.map((item: unknown) => string(item, what)) : refuse(what, "a list");
}

function texts(value: unknown, what: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record(value ?? {}, what)).map(([key, item]) => [key, string(item, what)]));
}

function refuse(what: string, should: string): never {
  fail("invalid", `Cannot read the image: ${what} must be ${should}`);
}
