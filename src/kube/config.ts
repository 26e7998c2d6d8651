/** ConfigMaps and Secrets. */
import { messageOf } from "../base/errors.ts";
import { credentialsIn, PULL_SECRET_KEYS, type ConfigMap, type Secret } from "../spec/spec.ts";
import { complain, entries, field, flag, type Cursor, type Trouble } from "./cursor.ts";
import { readMeta } from "./metadata.ts";
import { present } from "./present.ts";
import { optionalText, RULES } from "./rules.ts";
import { quoted } from "./tree.ts";

/** Bytes of all values together (`MaxSecretSize`; for ConfigMaps too). */
const SIZE_MAX = 1024 * 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

type Pairs = Readonly<Record<string, string>>;

/** Reads a ConfigMap; undefined when it has no usable name (and that is noted). */
export function readConfigMap(object: Cursor): ConfigMap | undefined {
  const metadata = readMeta(object, { name: String });
  const data = readTexts(field(object, "data"));
  const binaryData = readBase64(field(object, "binaryData"));
  for (const { key, keyAt, value } of entries(field(object, "binaryData"))) {
    if (Object.hasOwn(data, key)) complain(value, { code: "duplicate", message: `key ${quoted(key)} is in data and in binaryData, should be in one of them` }, keyAt);
  }
  checkSize(object, [...sizes(data, "utf8"), ...sizes(binaryData, "base64")]);
  if (metadata === undefined) return undefined;
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data, binaryData, ...present("immutable", flag(field(object, "immutable"))) };
}

/** Reads a Secret; undefined when it has no usable name (and that is noted). */
export function readSecret(object: Cursor): Secret | undefined {
  const metadata = readMeta(object, { name: String });
  const type = optionalText(object, "type") ?? "Opaque";
  const given = readBase64(field(object, "data"));
  const texts = readTexts(field(object, "stringData"));
  const data = { ...given, ...encoded(texts) };
  checkSize(object, sizes(data, "base64"));
  checkType(object, { type, data, annotations: metadata?.annotations });
  if (metadata === undefined) return undefined;
  return { apiVersion: "v1", kind: "Secret", metadata, type, data, ...present("immutable", flag(field(object, "immutable"))) };
}

const encoded = (texts: Pairs): Pairs => Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));

const sizes = (values: Pairs, encoding: "utf8" | "base64"): readonly number[] => Object.values(values).map((value) => Buffer.byteLength(value, encoding));

function checkSize(object: Cursor, bytes: readonly number[]): void {
  const size = bytes.reduce((sum, length) => sum + length, 0);
  if (size > SIZE_MAX) complain(field(object, "data") ?? object, { code: "value", message: `holds ${size} bytes, should be at most ${SIZE_MAX}` });
}

function readTexts(cursor: Cursor | undefined): Pairs {
  return Object.fromEntries(entries(cursor).map(({ key, keyAt, value }) => {
    checkKey(value, key, keyAt);
    return [key, scalarText(value)];
  }));
}

/** Values in base64; line breaks in them are allowed, as Kubernetes allows them, and dropped. */
function readBase64(cursor: Cursor | undefined): Pairs {
  return Object.fromEntries(entries(cursor).map(({ key, keyAt, value }) => {
    checkKey(value, key, keyAt);
    const content = scalarText(value).replace(/[\r\n]/g, "");
    if (!BASE64.test(content)) complain(value, { code: "value", message: "is not base64, should be base64", hint: value.sheet.secret ? "stringData takes plain text" : "data takes plain text" });
    return [key, content];
  }));
}

/** Unlike other fields, these values may hold zero characters: they become files. */
const scalarText = ({ node }: Cursor): string => (node.kind === "scalar" && typeof node.value === "string" ? node.value : "");

function checkKey(value: Cursor, key: string, keyAt: Cursor["node"]["at"]): void {
  if (!RULES.configKey.accepts(key)) complain(value, { code: "value", message: `key is ${quoted(key)}, should be ${RULES.configKey.should}` }, keyAt);
}

interface Typed {
  readonly type: string;
  readonly data: Pairs;
  readonly annotations: Pairs | undefined;
}

/** Secret types that Kubernetes knows and the keys that each must hold (`ValidateSecret`). */
const TYPE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function checkType(object: Cursor, { type, data, annotations }: Typed): void {
  const needs = Object.hasOwn(TYPE_KEYS, type) ? (TYPE_KEYS[type] ?? []) : [];
  for (const key of needs) {
    if (!Object.hasOwn(data, key)) missing(object, type, `the key ${quoted(key)}`);
    else if (Object.hasOwn(PULL_SECRET_KEYS, type)) checkCredentials(object, { type, data, key });
  }
  if (type === "kubernetes.io/basic-auth" && !Object.hasOwn(data, "username") && !Object.hasOwn(data, "password")) missing(object, type, 'the key "username" or "password"');
  const account = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && annotations?.[account] === undefined) missing(object, type, `the annotation ${quoted(account)}`);
}

function missing(object: Cursor, type: string, what: string): void {
  complain(field(object, "type") ?? object, { code: "required", message: `is ${type}, should come with ${what}` });
}

/** Notes credentials for registries that no kubelet could read, at their key. Their words are not shown. */
function checkCredentials(object: Cursor, { type, data, key }: Pick<Typed, "type" | "data"> & { readonly key: string }): void {
  const at = field(field(object, "stringData"), key) ?? field(field(object, "data"), key) ?? object;
  try {
    credentialsIn({ type, data });
  } catch (thrown) {
    const trouble: Trouble = { code: "value", message: `holds no credentials of type ${type}: ${messageOf(thrown).replace("Cannot read registry credentials: ", "")}` };
    complain(at, trouble);
  }
}
