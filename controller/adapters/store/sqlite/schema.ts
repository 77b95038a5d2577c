/** The schema of the embedded store, one step a version; user_version is the version of a file. */
// A released step is never changed.
export const steps: readonly string[] = [
  `CREATE TABLE runs (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     run TEXT NOT NULL UNIQUE,
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     state TEXT NOT NULL,
     branch TEXT,
     reason TEXT,
     started INTEGER NOT NULL,
     ended INTEGER,
     closed INTEGER,
     swept INTEGER NOT NULL DEFAULT 0,
     quality REAL,
     rows INTEGER,
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     owner TEXT,
     token INTEGER NOT NULL DEFAULT 1,
     idempotency_key TEXT,
     UNIQUE (project, idempotency_key)
   ) STRICT;
   CREATE INDEX runs_of_project ON runs (project, number);
   CREATE INDEX runs_of_pipeline ON runs (project, pipeline, number);
   CREATE INDEX runs_open ON runs (project, number) WHERE ended IS NULL;
   CREATE TABLE events (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     run TEXT NOT NULL REFERENCES runs (run),
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     body TEXT NOT NULL,
     UNIQUE (run, seq)
   ) STRICT;
   CREATE INDEX events_of_project ON events (project, position);
   CREATE TABLE outbox (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     run TEXT NOT NULL REFERENCES runs (run),
     channel TEXT NOT NULL,
     recipient TEXT NOT NULL,
     message TEXT NOT NULL,
     state TEXT NOT NULL DEFAULT 'waiting',
     tries INTEGER NOT NULL DEFAULT 0,
     due INTEGER NOT NULL,
     note TEXT
   ) STRICT;
   CREATE INDEX outbox_waiting ON outbox (channel, recipient, number) WHERE state = 'waiting';
   CREATE INDEX outbox_of_run ON outbox (run);
   CREATE TABLE controllers (owner TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
   CREATE TABLE applications (key TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES runs (run)) STRICT;
   CREATE TABLE roles (
     project TEXT NOT NULL,
     role TEXT NOT NULL,
     owner TEXT NOT NULL,
     until INTEGER NOT NULL,
     PRIMARY KEY (project, role)
   ) STRICT;`,

  // Triggers and the ledger of their firings. A firing is entered once, in the transaction that creates its run.
  `CREATE TABLE triggers (
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     trigger TEXT NOT NULL,
     seq INTEGER NOT NULL DEFAULT 0,
     armed INTEGER NOT NULL,
     cursor TEXT,
     PRIMARY KEY (project, pipeline, trigger)
   ) STRICT;
   CREATE TABLE firings (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     trigger TEXT NOT NULL,
     key TEXT NOT NULL,
     due INTEGER NOT NULL,
     noted INTEGER NOT NULL,
     run TEXT REFERENCES runs (run) ON DELETE SET NULL,
     UNIQUE (project, pipeline, trigger, key)
   ) STRICT;
   CREATE INDEX firings_of_run ON firings (run) WHERE run IS NOT NULL;`,

  // What is known of the embedded engine's results.
  `CREATE TABLE proofs (
     project TEXT NOT NULL,
     pair TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (project, pair)
   ) STRICT;`,

  // API tokens, by the hash of their secrets, and the audit log. Lists are JSON.
  `CREATE TABLE tokens (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     id TEXT NOT NULL,
     name TEXT NOT NULL,
     hash TEXT NOT NULL,
     scopes TEXT NOT NULL,
     pipelines TEXT NOT NULL,
     created INTEGER NOT NULL,
     by TEXT NOT NULL,
     expires INTEGER,
     used INTEGER,
     revoked INTEGER,
     UNIQUE (project, id)
   ) STRICT;
   CREATE TABLE audit (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     at INTEGER NOT NULL,
     by TEXT NOT NULL,
     token TEXT,
     address TEXT,
     action TEXT NOT NULL,
     target TEXT,
     status INTEGER NOT NULL,
     detail TEXT
   ) STRICT;
   CREATE INDEX audit_of_project ON audit (project, number);`,
];
