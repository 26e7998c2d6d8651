/** `wherry.db`: services and the objects they want, and the image catalog. */
import { claimCatalog, putClaim } from "./claims.ts";
import type { Database } from "./database.ts";
import { imageCatalog } from "./images.ts";
import { openDatabase } from "./open.ts";
import { OBJECTS, SERVICES } from "./rows.ts";
import { DURABLE } from "./schema.ts";
import { type AtRest, atRest, putSealed, secretReader } from "./sealed.ts";
import type { DurableState, ObjectRecord, Vault } from "./state.ts";

export interface StateOptions {
  /** Never writes, never makes the file: a database that does not exist yet is an empty one, until it is opened again. */
  readonly readonly?: boolean;
  /** Seals Secrets; without one they are recorded as they are. */
  readonly vault?: Vault | undefined;
}

/** Opens the durable state. Fails with kind `unavailable` when the file is damaged, foreign, of a newer wherry, or not accessible. */
export function openDurable(path: string, options: StateOptions = {}): DurableState {
  const database = openDatabase(path, { schema: DURABLE, durable: true, readonly: options.readonly === true });
  const readSecrets = secretReader(database, options.vault);
  return {
    services: () => database.select(SERVICES, "ORDER BY name"),
    service: (name) => database.selectOne(SERVICES, "WHERE name = ?", [name]),
    objects: (service) => objects(database, service),
    secrets: (service) => readSecrets(service, objects(database, service)),
    putService: (given, wanted, claims = []) => database.transaction(() => {
      putService(database, atRest(database, { record: given, objects: wanted }, options.vault));
      for (const claim of claims) putClaim(database, claim);
    }),
    removeService: (name) => void database.run("DELETE FROM services WHERE name = ?", [name]),
    images: imageCatalog(database),
    claims: claimCatalog(database),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

function objects(database: Database, service: string | undefined): readonly ObjectRecord[] {
  const rows = service === undefined
    ? database.select(OBJECTS, "ORDER BY service, position")
    : database.select(OBJECTS, "WHERE service = ? ORDER BY position", [service]);
  return rows.map(({ position: _, ...record }) => record);
}

function putService(database: Database, written: AtRest): void {
  const { record, objects: wanted } = written;
  database.run("DELETE FROM services WHERE name = ?", [record.name]);
  database.run(SERVICES.insert, SERVICES.values(record));
  for (const [position, object] of wanted.entries()) {
    database.run(OBJECTS.insert, OBJECTS.values({ ...object, service: record.name, position }));
  }
  putSealed(database, written);
}
