/**
 * The Secrets of a service at rest: in the object's own row every value is as many zero bytes as it has, and all values
 * together are one sealed text. Texts of manifests with Secrets are recorded as their digests: they are only compared.
 */
import { fail } from "../base/errors.ts";
import type { Secret } from "../spec/spec.ts";
import type { Database } from "./database.ts";
import { SEALED } from "./rows.ts";
import { mapOf, string } from "./shapes.ts";
import type { ObjectRecord, ServiceRecord, Vault } from "./state.ts";

/** What is recorded in place of a text that holds secret values. */
export const textDigest = (text: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;

export interface AtRest {
  readonly record: ServiceRecord;
  readonly objects: readonly ObjectRecord[];
  /** Absent: nothing is sealed. */
  readonly sealed?: { readonly hash: string; readonly text: string };
}

/** What is written of a service. Seals at most once, and not at all when there is no Secret or all are as they were. */
export function atRest(database: Database, given: { readonly record: ServiceRecord; readonly objects: readonly ObjectRecord[] }, vault: Vault | undefined): AtRest {
  const { record, objects } = given;
  const secrets = objects.filter(isSecretRecord);
  if (vault === undefined || secrets.length === 0) return given;
  const hash = textDigest(JSON.stringify(secrets.map(({ object, hash: own }) => [keyOf(object), own])));
  const before = database.selectOne(SEALED, "WHERE service = ?", [record.name]);
  const values = Object.fromEntries(secrets.map(({ object }) => [keyOf(object), object.data]));
  return {
    record: { ...record, texts: record.texts.map(textDigest) },
    objects: objects.map((each) => (isSecretRecord(each) ? { ...each, object: blank(each.object) } : each)),
    sealed: { hash, text: before?.hash === hash ? before.text : vault.seal(record.name, JSON.stringify(values)) },
  };
}

/** Inside a transaction, after the service's row. */
export function putSealed(database: Database, { record, sealed }: AtRest): void {
  if (sealed !== undefined) database.run(SEALED.insert, SEALED.values({ service: record.name, ...sealed }));
}

/** Reads Secrets with their values; remembers what it has opened last, since opening takes a process. */
export function secretReader(database: Database, vault: Vault | undefined): (service: string, objects: readonly ObjectRecord[]) => readonly Secret[] {
  let opened: { readonly text: string; readonly values: Values } | undefined;
  return (service, objects) => {
    const secrets = objects.filter(isSecretRecord).map(({ object }) => object);
    const sealed = secrets.length === 0 ? undefined : database.selectOne(SEALED, "WHERE service = ?", [service]);
    if (sealed === undefined) return secrets;
    if (opened?.text !== sealed.text) opened = { text: sealed.text, values: valuesOf(openWith(vault, service, sealed.text)) };
    const { values } = opened;
    return secrets.map((secret) => ({ ...secret, data: values[keyOf(secret)] ?? secret.data }));
  };
}

type Values = Readonly<Record<string, Secret["data"]>>;
type SecretRecord = ObjectRecord & { readonly object: Secret };

const isSecretRecord = (record: ObjectRecord): record is SecretRecord => record.object.kind === "Secret";
const keyOf = ({ metadata }: Secret): string => `${metadata.namespace}/${metadata.name}`;

/** The Secret without its values; their sizes stay. */
function blank(secret: Secret): Secret {
  const zeros = (value: string): string => Buffer.alloc(Buffer.from(value, "base64").length).toString("base64");
  return { ...secret, data: Object.fromEntries(Object.entries(secret.data).map(([key, value]) => [key, zeros(value)])) };
}

function openWith(vault: Vault | undefined, service: string, text: string): string {
  if (vault !== undefined) return vault.open(service, text);
  return fail("unavailable", `Cannot read the Secrets of service "${service}": they are encrypted, and systemd-creds is not installed`, { hint: 'install the package that provides "systemd-creds"' });
}

const valuesOf = (text: string): Values => mapOf(mapOf(string))(JSON.parse(text));
