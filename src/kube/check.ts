/** From texts to `Checked`, or to all problems at once. */
import type { KubeObject } from "../spec/spec.ts";
import { readClaim, readPersistentVolume } from "./claims.ts";
import { readConfigMap, readSecret } from "./config.ts";
import { readNamespace } from "./namespace.ts";
import { complain, type Cursor, type Sheet } from "./cursor.ts";
import { checkFields } from "./fields.ts";
import { checkHost } from "./host.ts";
import type { Checked, CheckOptions, CheckResult, ManifestText, Notice } from "./kube.ts";
import { KINDS, objectsOf, type Item, type Kind } from "./objects.ts";
import { parse } from "./parse.ts";
import { readPod } from "./pod.ts";
import { collectProblems, type Problems } from "./problems.ts";
import { checkDuplicates, checkHostPorts, checkPullSecrets, checkReferences, type Read } from "./references.ts";
import { RULES, type Rule } from "./rules.ts";
import { checkSchema } from "./schema.ts";
import { quoted } from "./tree.ts";

/**
 * Checks the manifests of one service and reads them into objects: complete, defaulted, deeply frozen, in the order of
 * the texts. ConfigMaps of `options.configMaps` come after them and are objects of the service like the others.
 *
 * Whatever the texts hold, this returns; it never throws. Either nothing is wrong, or `problems` has everything that is,
 * by file, line and column. References are checked when all documents could be read, since the one that could not be
 * read may hold what is referred to.
 */
export function check(manifests: readonly ManifestText[], options: CheckOptions = {}): CheckResult {
  const problems = collectProblems();
  checkOptions(options, problems);
  const namespace = options.namespace ?? "default";
  const inputs = [
    ...manifests.map((manifest) => ({ manifest, kinds: ALL })),
    ...(options.configMaps ?? []).map((manifest) => ({ manifest, kinds: ["ConfigMap"] as const })),
  ];
  if (manifests.length === 0) complain(rootOf({ file: "-", text: "" }, { problems, namespace }), NOTHING);
  const found = inputs.map(({ manifest, kinds }) => itemsOf(manifest, { kinds, root: rootOf(manifest, { problems, namespace }) }));
  const read = withoutRepeats(found.flatMap(({ items }) => items).map((item) => readObject(item, options)));
  checkDuplicates(read);
  checkHostPorts(read);
  checkPullSecrets(read);
  if (options.lacks !== undefined) checkHost(read, options.lacks);
  if (found.every(({ understood }) => understood)) checkReferences(read);
  if (problems.count > 0) return { ok: false, problems: problems.sorted(inputs.map(({ manifest }) => manifest.file)) };
  return { ok: true, checked: finish(read) };
}

const ALL: readonly Kind[] = KINDS;
const NOTHING = { code: "required", message: "holds no object, should hold at least one" } as const;
const START = { line: 1, column: 1 } as const;

interface Context {
  readonly problems: Problems;
  readonly namespace: string;
}

/** The cursor for what concerns a text as a whole. */
function rootOf({ file }: ManifestText, { problems, namespace }: Context): Cursor {
  const sheet: Sheet = { file, object: "", namespace, secret: false, problems, suggested: new Set(), refused: new Set(), idle: [], references: [], hostPorts: [] };
  return { node: { kind: "scalar", at: START, value: null }, path: "", sheet };
}

interface Found {
  readonly items: readonly Item[];
  /** Every document could be read, and none may be a misspelt ConfigMap or Secret. */
  readonly understood: boolean;
}

function itemsOf(manifest: ManifestText, { kinds, root }: { readonly kinds: readonly Kind[]; readonly root: Cursor }): Found {
  const { documents, complaints } = parse(manifest);
  for (const { at, ...trouble } of complaints) complain(root, trouble, at);
  if (documents.length === 0 && complaints.length === 0) complain(root, NOTHING);
  const members = documents.flatMap((node) => objectsOf({ ...root, node }, kinds));
  if (documents.length > 0 && members.length === 0) complain(root, NOTHING);
  const understood = complaints.every(({ code }) => code !== "syntax") && !members.includes("unclear");
  return { items: members.filter((member) => typeof member === "object"), understood };
}

function readObject({ kind, cursor }: Item, options: CheckOptions): Read {
  const cleaned = { ...cursor, node: checkFields(cursor, kind) };
  checkSchema(cleaned, kind);
  return { cursor: cleaned, object: readers[kind](cleaned, options) };
}

/** Each of several files may begin with the same Namespace: it is one. */
function withoutRepeats(read: readonly Read[]): readonly Read[] {
  const repeats = (one: Read, index: number): boolean => one.object?.kind === "Namespace" && read.slice(0, index).some(({ object }) => Bun.deepEquals(object, one.object));
  return read.filter((one, index) => !repeats(one, index));
}

const readers: Readonly<Record<Kind, (cursor: Cursor, options: CheckOptions) => KubeObject | undefined>> = {
  Pod: (cursor, { annotations }) => readPod(cursor, annotations),
  ConfigMap: readConfigMap,
  Secret: readSecret,
  PersistentVolumeClaim: readClaim,
  PersistentVolume: readPersistentVolume,
  Namespace: readNamespace,
};

/** What is wrong with the options is told like what is wrong with a file, named after the option. */
function checkOptions({ namespace, annotations }: CheckOptions, problems: Problems): void {
  const expect = (file: string, text: string, rule: Rule): void => {
    if (!rule.accepts(text)) problems.add({ file, line: 1, column: 1, path: "", message: `is ${quoted(text)}, should be ${rule.should}`, code: "value" });
  };
  if (namespace !== undefined) expect("--namespace", namespace, RULES.label);
  for (const key of Object.keys(annotations ?? {})) expect("--annotation", key, RULES.annotationKey);
}

function finish(read: readonly Read[]): Checked {
  const objects = read.map(({ object }) => object).filter((object) => object !== undefined);
  const lists: Pick<Checked, "pods" | "configMaps" | "secrets" | "claims" | "volumes" | "namespaces" | "objects" | "notices"> = {
    pods: objects.filter((object) => object.kind === "Pod"),
    configMaps: objects.filter((object) => object.kind === "ConfigMap"),
    secrets: objects.filter((object) => object.kind === "Secret"),
    claims: objects.filter((object) => object.kind === "PersistentVolumeClaim"),
    volumes: objects.filter((object) => object.kind === "PersistentVolume"),
    namespaces: objects.filter((object) => object.kind === "Namespace"),
    objects,
    notices: noticesOf(read),
  };
  return deepFreeze(lists) as Checked; // the one place that may say so: no problem was found
}

/** One for each field and reason, at its first place: a file of many pods says the same many times. */
function noticesOf(read: readonly Read[]): readonly Notice[] {
  const notices = read.flatMap(({ cursor: { sheet } }) => sheet.idle.map(({ at, ...field }) => ({ file: sheet.file, line: at.line, column: at.column, object: sheet.object, ...field })));
  const first = new Map<string, Notice>();
  for (const notice of notices) {
    const key = notice.path.replace(/\[\d+\]/g, "[]");
    if (!first.has(key)) first.set(key, notice);
  }
  return [...first.values()];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
