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

  // Every firing has an outcome. A firing joins a waiting run until that begins to measure.
  `ALTER TABLE triggers ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
   ALTER TABLE triggers ADD COLUMN pauses TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE triggers ADD COLUMN resumed INTEGER;
   ALTER TABLE triggers ADD COLUMN problem TEXT;
   ALTER TABLE firings RENAME TO firings_before;
   DROP INDEX firings_of_run;
   CREATE TABLE firings (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     trigger TEXT NOT NULL,
     generation INTEGER NOT NULL,
     key TEXT NOT NULL,
     due INTEGER NOT NULL,
     until INTEGER,
     count INTEGER NOT NULL,
     outcome TEXT NOT NULL,
     reason TEXT,
     payload TEXT,
     noted INTEGER NOT NULL,
     run TEXT REFERENCES runs (run) ON DELETE SET NULL,
     UNIQUE (project, pipeline, trigger, generation, key)
   ) STRICT;
   INSERT INTO firings (number, project, pipeline, trigger, generation, key, due, count, outcome, noted, run)
     SELECT number, project, pipeline, trigger, 1, key, due, 1, 'started', noted, run FROM firings_before;
   DROP TABLE firings_before;
   CREATE INDEX firings_of_run ON firings (run) WHERE run IS NOT NULL;
   CREATE INDEX firings_of_trigger ON firings (project, pipeline, trigger, number);
   CREATE INDEX firings_of_project ON firings (project, number);
   ALTER TABLE runs ADD COLUMN trigger TEXT;
   ALTER TABLE runs ADD COLUMN measuring INTEGER NOT NULL DEFAULT 0;
   UPDATE runs SET measuring = 1, trigger = (
     SELECT body->'cause'->>'trigger' FROM events WHERE events.run = runs.run AND seq = 1
   );
   CREATE INDEX runs_of_trigger ON runs (project, pipeline, trigger, number) WHERE trigger IS NOT NULL;
   CREATE INDEX runs_waiting ON runs (project, pipeline, trigger) WHERE ended IS NULL AND trigger IS NOT NULL;
   CREATE INDEX events_ended ON events (project, position) WHERE body->>'type' = 'run-ended';
   CREATE TABLE servers (
     project TEXT NOT NULL,
     owner TEXT NOT NULL,
     info TEXT NOT NULL,
     PRIMARY KEY (project, owner)
   ) STRICT;
   CREATE TABLE pipelines (
     project TEXT NOT NULL,
     file TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (project, file)
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

  // What is counted for each pipeline. Labels are a JSON list. Runs of before are counted once.
  `CREATE TABLE totals (
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     name TEXT NOT NULL,
     labels TEXT NOT NULL,
     n INTEGER NOT NULL,
     PRIMARY KEY (project, pipeline, name, labels)
   ) STRICT;
   INSERT INTO totals SELECT project, pipeline, 'runs_ended', json_array(state), count(*) FROM runs
     WHERE ended IS NOT NULL GROUP BY project, pipeline, state;`,

  // Alerts, and messages without a run, which have a project of their own. What was found last of each pipeline.
  `ALTER TABLE outbox RENAME TO outbox_before;
   DROP INDEX outbox_waiting;
   DROP INDEX outbox_of_run;
   CREATE TABLE outbox (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     run TEXT REFERENCES runs (run),
     project TEXT,
     channel TEXT NOT NULL,
     recipient TEXT NOT NULL,
     message TEXT NOT NULL,
     state TEXT NOT NULL DEFAULT 'waiting',
     tries INTEGER NOT NULL DEFAULT 0,
     entered INTEGER NOT NULL,
     due INTEGER NOT NULL,
     note TEXT
   ) STRICT;
   INSERT INTO outbox (number, id, run, channel, recipient, message, state, tries, entered, due, note)
     SELECT number, id, run, channel, recipient, message, state, tries, due, due, note FROM outbox_before;
   DROP TABLE outbox_before;
   CREATE INDEX outbox_waiting ON outbox (channel, recipient, number) WHERE state = 'waiting';
   CREATE INDEX outbox_of_run ON outbox (run);
   CREATE TABLE alerts (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     project TEXT NOT NULL,
     name TEXT NOT NULL,
     labels TEXT NOT NULL,
     severity TEXT NOT NULL,
     facts TEXT NOT NULL,
     seq INTEGER NOT NULL DEFAULT 1,
     began INTEGER NOT NULL,
     ended INTEGER,
     sent TEXT NOT NULL,
     acknowledged TEXT
   ) STRICT;
   CREATE UNIQUE INDEX alerts_open ON alerts (project, name, labels) WHERE ended IS NULL;
   CREATE INDEX alerts_of_project ON alerts (project, id);
   CREATE TABLE readings (
     project TEXT NOT NULL,
     pipeline TEXT NOT NULL,
     sources TEXT,
     checks TEXT,
     PRIMARY KEY (project, pipeline)
   ) STRICT;`,

  // Lists of messages show those first that are not sent; runs are counted by their starts.
  `CREATE INDEX outbox_unsent ON outbox (number) WHERE state <> 'sent';
   CREATE INDEX runs_by_start ON runs (project, started);
   ALTER TABLE runs ADD COLUMN core_seconds INTEGER;`,
];
