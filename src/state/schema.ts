/**
 * The schemas of the two databases, as SQL. Change them by adding a migration at the end of a list, never by editing
 * one that has been released; each has a test in schema.test.ts. Times are milliseconds since the epoch. JSON columns
 * hold the domain type of the same name; what SQL must look at in them is drawn out by generated columns.
 */

/** `PRAGMA application_id` tells our files from foreign ones; `PRAGMA user_version` counts the migrations applied. */
export interface Schema {
  readonly applicationId: number;
  /** Applied in order, each in the transaction that also raises `user_version` to its position + 1. */
  readonly migrations: readonly string[];
}

/**
 *   services ──< objects            a service and what it wants
 *            ─── sealed             the values of its Secrets
 *   images   ──< image_names        an image and the references, tags and digests, that mean it
 *   layers   ──< blobs              an unpacked layer and the registries' forms of it; images name their layers in JSON
 *   claims                          claims and the volumes that satisfy them: they outlive pods and services
 */
export const DURABLE: Schema = {
  applicationId: 0x77686479, // "whdy"
  migrations: [
    `
    CREATE TABLE services (
      name      TEXT PRIMARY KEY,
      files     TEXT NOT NULL,             -- JSON: paths, in order
      texts     TEXT NOT NULL,             -- JSON: the texts as played, in the same order
      options   TEXT NOT NULL,             -- JSON: ServiceOptions
      revision  INTEGER NOT NULL,
      played_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE objects (
      service   TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
      position  INTEGER NOT NULL,          -- order in the manifest
      object    TEXT NOT NULL,             -- JSON: KubeObject
      hash      TEXT NOT NULL,
      kind      TEXT NOT NULL AS (object ->> '$.kind') STORED,
      namespace TEXT NOT NULL AS (object ->> '$.metadata.namespace') STORED,
      name      TEXT NOT NULL AS (object ->> '$.metadata.name') STORED,
      PRIMARY KEY (service, position),
      UNIQUE (service, kind, namespace, name)
    ) STRICT;

    CREATE TABLE images (
      id          TEXT PRIMARY KEY,        -- sha256:…
      layers      TEXT NOT NULL,           -- JSON: diff IDs, lowest first
      config      TEXT NOT NULL,           -- JSON: ImageConfig
      size        INTEGER NOT NULL,
      created     INTEGER NOT NULL,
      imported_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE image_names (
      name     TEXT PRIMARY KEY,           -- a name means one image
      image    TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      position INTEGER NOT NULL            -- order in Image.names
    ) STRICT;
    CREATE INDEX image_names_image ON image_names (image, position);
    `,
    `
    CREATE TABLE layers (
      diff_id     TEXT PRIMARY KEY,        -- sha256:…
      size        INTEGER NOT NULL,
      entries     INTEGER NOT NULL,
      unpacked_at INTEGER NOT NULL,
      damage      TEXT NOT NULL            -- empty while it is sound
    ) STRICT;

    CREATE TABLE blobs (
      digest TEXT PRIMARY KEY,             -- sha256:… of the form that a registry has
      layer  TEXT NOT NULL REFERENCES layers (diff_id) ON DELETE CASCADE,
      size   INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX blobs_layer ON blobs (layer);

    INSERT INTO layers SELECT DISTINCT value, 0, 0, 0, '' FROM images, json_each(images.layers);
    `,
    `
    CREATE TABLE claims (
      service   TEXT NOT NULL,             -- the last one that played it; it may be gone
      claim     TEXT NOT NULL,             -- JSON: PersistentVolumeClaim
      uid       TEXT NOT NULL,
      volume    TEXT NOT NULL,             -- JSON: PersistentVolume
      directory TEXT NOT NULL,             -- of wherry's own, removed with the claim; empty when the volume is one of a manifest
      owner     TEXT NOT NULL,             -- uid of the pod that it goes with; empty when it outlives pods
      phase     TEXT NOT NULL,             -- Bound, or Removing: what is in it is being removed
      bound_at  INTEGER NOT NULL,
      namespace TEXT NOT NULL AS (claim ->> '$.metadata.namespace') STORED,
      name      TEXT NOT NULL AS (claim ->> '$.metadata.name') STORED,
      UNIQUE (namespace, name)
    ) STRICT;
    `,
    `
    CREATE TABLE sealed (
      service TEXT PRIMARY KEY REFERENCES services (name) ON DELETE CASCADE,
      hash    TEXT NOT NULL,               -- of the hashes of the Secrets in it
      text    TEXT NOT NULL                -- the values of all Secrets of the service, encrypted
    ) STRICT;
    `,
  ],
};

/**
 *   runs                            the life of a service container
 *   pods ──< containers             a pod holds its containers,
 *        ──< host_ports             its host ports, and (pods.ip, pods.ip6) its addresses
 *   events, event_counter           what happened; they outlive their pods
 */
export const RUNTIME: Schema = {
  applicationId: 0x7768726e, // "whrn"
  migrations: [
    `
    CREATE TABLE runs (
      service     TEXT PRIMARY KEY,
      id          TEXT NOT NULL,           -- OCI id of the service container
      bundle      TEXT NOT NULL,
      monitor_pid INTEGER NOT NULL,
      cgroup      TEXT NOT NULL,
      unit        TEXT NOT NULL,
      started_at  INTEGER NOT NULL,
      ready_at    INTEGER NOT NULL,
      phase       TEXT NOT NULL,
      status      TEXT NOT NULL,
      exit_code   INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE pods (
      position       INTEGER PRIMARY KEY,  -- order of addition
      uid            TEXT NOT NULL UNIQUE,
      service        TEXT NOT NULL,
      pod            TEXT NOT NULL,        -- JSON: Pod
      hash           TEXT NOT NULL,
      wanted         TEXT NOT NULL,
      cgroup         TEXT NOT NULL,
      network        TEXT NOT NULL,
      ip             TEXT NOT NULL,        -- empty without a bridge
      phase          TEXT NOT NULL,
      reason         TEXT NOT NULL,
      message        TEXT NOT NULL,
      created_at     INTEGER NOT NULL,
      sandbox_at     INTEGER NOT NULL,
      initialized_at INTEGER NOT NULL,
      ready_at       INTEGER NOT NULL,
      namespace      TEXT NOT NULL AS (pod ->> '$.metadata.namespace') STORED,
      name           TEXT NOT NULL AS (pod ->> '$.metadata.name') STORED
    ) STRICT;
    CREATE INDEX pods_service ON pods (service);
    CREATE UNIQUE INDEX pods_ip ON pods (ip) WHERE ip <> '';
    -- A pod on its way out does not keep its own successor from being recorded.
    CREATE UNIQUE INDEX pods_name ON pods (namespace, name) WHERE wanted <> 'removed';

    CREATE TABLE containers (
      pod               TEXT NOT NULL REFERENCES pods (uid) ON DELETE CASCADE,
      name              TEXT NOT NULL,
      kind              TEXT NOT NULL,     -- init, sidecar or main
      position          INTEGER NOT NULL,
      restarts          INTEGER NOT NULL,
      state             TEXT NOT NULL,     -- JSON: ContainerState
      last              TEXT,              -- JSON: Terminated
      failures          INTEGER NOT NULL,
      image             TEXT NOT NULL,
      image_id          TEXT NOT NULL,
      log_path          TEXT NOT NULL,
      previous_log_path TEXT NOT NULL,
      PRIMARY KEY (pod, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE host_ports (
      pod      TEXT NOT NULL REFERENCES pods (uid) ON DELETE CASCADE,
      ip       TEXT NOT NULL,              -- empty: all addresses
      port     INTEGER NOT NULL,
      protocol TEXT NOT NULL,
      PRIMARY KEY (port, protocol, ip)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX host_ports_pod ON host_ports (pod);

    CREATE TABLE events (
      position   INTEGER PRIMARY KEY,      -- place in the order; a repeated event keeps it
      sequence   INTEGER NOT NULL UNIQUE,  -- number of the latest change
      service    TEXT NOT NULL,
      namespace  TEXT NOT NULL,
      kind       TEXT NOT NULL,
      name       TEXT NOT NULL,
      uid        TEXT NOT NULL,
      field_path TEXT NOT NULL,
      type       TEXT NOT NULL,
      reason     TEXT NOT NULL,
      message    TEXT NOT NULL,
      count      INTEGER NOT NULL,
      first_at   INTEGER NOT NULL,
      last_at    INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX events_service ON events (service, sequence);
    CREATE INDEX events_same ON events (uid, reason);

    -- One row. Apart from events, so that numbers are never given twice when events are removed.
    CREATE TABLE event_counter (value INTEGER NOT NULL) STRICT;
    INSERT INTO event_counter VALUES (0);
    `,
    `
    ALTER TABLE containers ADD COLUMN health TEXT;      -- JSON: ContainerHealth
    ALTER TABLE pods ADD COLUMN started_at INTEGER;     -- NULL: since it was created
    ALTER TABLE pods ADD COLUMN conditions TEXT;        -- JSON: PodConditions
    `,
    `
    ALTER TABLE containers ADD COLUMN user TEXT;        -- JSON: ContainerUser
    `,
    `
    ALTER TABLE pods ADD COLUMN ip6 TEXT;               -- NULL: it has none
    CREATE UNIQUE INDEX pods_ip6 ON pods (ip6);
    `,
    `
    ALTER TABLE pods ADD COLUMN ids INTEGER;            -- first id of its user namespace; NULL: it has none (yet)
    CREATE UNIQUE INDEX pods_ids ON pods (ids);
    `,
  ],
};
