/** What every object has, and the scopes that names are in. */
import type { Namespace } from "./names.ts";

export interface ObjectMeta<Name extends string = string> {
  readonly name: Name;
  readonly namespace: Namespace;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A scope of names, declared. It belongs to none itself: its metadata has an empty one. */
export interface NamespaceObject {
  readonly apiVersion: "v1";
  readonly kind: "Namespace";
  readonly metadata: ObjectMeta;
}
