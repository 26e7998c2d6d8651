/** Claims and the volumes that satisfy them. */
import type { Database } from "./database.ts";
import { CLAIMS } from "./rows.ts";
import type { ClaimCatalog, ClaimRecord } from "./state.ts";

/** The `ClaimCatalog` in the table `claims`. */
export function claimCatalog(database: Database): ClaimCatalog {
  return {
    all: () => database.select(CLAIMS, "ORDER BY namespace, name"),
    find: (namespace, name) => database.selectOne(CLAIMS, "WHERE namespace = ? AND name = ?", [namespace, name]),
    put: (record) => database.transaction(() => putClaim(database, record)),
    remove: (namespace, name) => void database.run("DELETE FROM claims WHERE namespace = ? AND name = ?", [namespace, name]),
  };
}

/** Inside a transaction. */
export function putClaim(database: Database, record: ClaimRecord): void {
  const { namespace, name } = record.claim.metadata;
  database.run("DELETE FROM claims WHERE namespace = ? AND name = ?", [namespace, name]);
  database.run(CLAIMS.insert, CLAIMS.values(record));
}
