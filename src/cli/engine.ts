/** The folders below the command line, as commands reach them: each loaded and opened only when a command asks for it. */
import type { Explanation } from "../kube/explain.ts";
import type { CheckOptions, CheckResult, ManifestText, Notice, Problem } from "../kube/kube.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { DurableState, RuntimeState } from "../state/state.ts";
import type { Store } from "../storage/storage.ts";
import type { ImageDriver } from "./imageDriver.ts";

export interface Engine {
  /** The databases, for reading. Asked again for every look: one that did not exist before may exist now. */
  durable(): Promise<DurableState>;
  runtime(): Promise<RuntimeState>;
  /** Calls `onChange` after every change of the runtime state, until `signal` aborts. Returns when it watches. */
  watch(onChange: () => void, options: { readonly signal: AbortSignal }): Promise<void>;
  kube(): Promise<Kube>;
  /** The OCI runtime driver. */
  oci(): Promise<Runtime>;
  /** The image store, for writing. */
  store(): Promise<Store>;
  /** What is done to images. */
  images(): Promise<ImageDriver>;
}

export interface Kube {
  check(manifests: readonly ManifestText[], options?: CheckOptions): CheckResult;
  formatProblem(problem: Problem): string;
  formatNotice(notice: Notice): string;
  explain(path: string): Explanation;
}
