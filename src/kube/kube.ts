/**
 * From text to checked, defaulted objects. Pure: no file is read and nothing is written here.
 * A `Checked` can be made by `check` only; everything that acts takes a `Checked` or what comes from one.
 */
import type { ConfigMap, KubeObject, NamespaceObject, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from "../spec/spec.ts";
import type { HostLacks } from "./host.ts";

/** One input: its name for messages (`shop.yaml`, `<stdin>`) and its text. */
export interface ManifestText {
  readonly file: string;
  readonly text: string;
}

/** One thing that is wrong. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `spec.containers[0].image`; empty for the whole document */
  readonly path: string;
  /** `Pod default/web`, when it is known */
  readonly object?: string;
  /** What is, and what should be. */
  readonly message: string;
  /** `did you mean "containerPort"?` */
  readonly hint?: string;
  /** Stable: `syntax`, `unknown-field`, `unsupported-field`, `unsupported-kind`, `type`, `required`, `value`, `duplicate`, `reference`, `host` (this host, or this user, cannot) */
  readonly code: ProblemCode;
}

export const PROBLEM_CODES = ["syntax", "unknown-field", "unsupported-field", "unsupported-kind", "type", "required", "value", "duplicate", "reference", "host"] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

declare const checked: unique symbol;
/** The objects of one service: complete, consistent, defaulted. In the order of the manifest. */
export interface Checked {
  readonly [checked]: true;
  readonly pods: readonly Pod[];
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  readonly claims: readonly PersistentVolumeClaim[];
  readonly volumes: readonly PersistentVolume[];
  readonly namespaces: readonly NamespaceObject[];
  readonly objects: readonly KubeObject[];
  /** Fields that were taken and mean nothing on a single host, or less than they should on this one; each kind of place once. */
  readonly notices: readonly Notice[];
}

/** A field without effect on a single host, or with less effect than it should have. Lines and columns count from 1. */
export interface Notice {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  /** `Pod default/web` */
  readonly object: string;
  readonly why: string;
  /** It is this host that lacks something; another one, or root, would do. */
  readonly host?: true;
}

export interface CheckOptions {
  /** What this host cannot do; nothing when absent. */
  readonly lacks?: HostLacks;
  /** Namespace of objects that name none; `default`. */
  readonly namespace?: string;
  /** Texts of `--configmap`: only ConfigMaps are allowed in them. */
  readonly configMaps?: readonly ManifestText[];
  /** `--annotation key=value`: merged into the annotations of every Pod. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export type CheckResult =
  | { readonly ok: true; readonly checked: Checked }
  | { readonly ok: false; readonly problems: readonly Problem[] };
