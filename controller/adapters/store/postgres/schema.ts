/**
 * The schema of the run store, one step a version. Bodies are json, not jsonb, which would reorder a pipeline's
 * columns.
 */
// A released step is never changed.
export const steps: readonly string[] = [
  `CREATE TABLE runs (
     run text PRIMARY KEY,
     number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
     pipeline text NOT NULL,
     state text NOT NULL,
     branch text,
     reason text,
     started bigint NOT NULL,
     ended bigint,
     owner text,
     token bigint NOT NULL DEFAULT 0,
     lease_until bigint NOT NULL DEFAULT 0
   );
   CREATE INDEX runs_of_pipeline ON runs (pipeline, number DESC);
   CREATE TABLE events (
     run text NOT NULL REFERENCES runs,
     seq integer NOT NULL,
     at bigint NOT NULL,
     body json NOT NULL,
     PRIMARY KEY (run, seq)
   );
   CREATE TABLE outbox (
     id text PRIMARY KEY,
     number bigint GENERATED ALWAYS AS IDENTITY,
     run text NOT NULL REFERENCES runs,
     message json NOT NULL,
     state text NOT NULL DEFAULT 'waiting',
     tries integer NOT NULL DEFAULT 0,
     due bigint NOT NULL,
     note text
   );
   CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';`,

  // A lease belongs to a controller instead of a run: one row to renew for any number of runs, by the server's clock.
  `CREATE TABLE controllers (owner text PRIMARY KEY, until timestamptz NOT NULL);
   ALTER TABLE runs DROP COLUMN lease_until;
   ALTER TABLE runs ADD COLUMN project text NOT NULL DEFAULT '';
   ALTER TABLE runs ADD COLUMN seq integer NOT NULL DEFAULT 0;
   ALTER TABLE runs ADD COLUMN at bigint NOT NULL DEFAULT 0;
   ALTER TABLE runs ADD COLUMN closed timestamptz;
   ALTER TABLE runs ADD COLUMN swept boolean NOT NULL DEFAULT false;
   UPDATE runs SET owner = NULL, closed = CASE WHEN ended IS NULL THEN NULL ELSE now() END,
     seq = coalesce((SELECT max(e.seq) FROM events e WHERE e.run = runs.run), 0),
     at = coalesce((SELECT max(e.at) FROM events e WHERE e.run = runs.run), 0);
   CREATE INDEX runs_open ON runs (pipeline, number) WHERE ended IS NULL;
   CREATE INDEX runs_owned ON runs (owner) WHERE ended IS NULL;
   CREATE INDEX runs_unswept ON runs (number) WHERE ended IS NOT NULL AND NOT swept;
   CREATE TABLE applications (key text PRIMARY KEY, run text NOT NULL REFERENCES runs);
   CREATE TABLE postman (one boolean PRIMARY KEY DEFAULT true CHECK (one), owner text NOT NULL, until timestamptz NOT NULL);
   ALTER TABLE outbox ALTER COLUMN due TYPE timestamptz USING to_timestamp(due / 1000.0);`,

  // Every run reads the measures of the last published run.
  `CREATE INDEX events_measured ON events (run) WHERE body->>'type' = 'sources-measured';`,

  // Projects on one store see their own runs and send their own mails.
  `DROP TABLE postman;
   CREATE TABLE postman (project text PRIMARY KEY, owner text NOT NULL, until timestamptz NOT NULL);
   DROP INDEX runs_of_pipeline;
   CREATE INDEX runs_of_pipeline ON runs (project, pipeline, number DESC);`,

  // One order for the events of all runs; idempotency keys of runs; messages by channel and recipient; roles.
  `ALTER TABLE runs ADD COLUMN idempotency_key text, ADD COLUMN quality double precision, ADD COLUMN rows bigint;
   CREATE UNIQUE INDEX runs_idempotent ON runs (project, idempotency_key) WHERE idempotency_key IS NOT NULL;
   CREATE INDEX runs_of_project ON runs (project, number DESC);

   ALTER TABLE events DROP CONSTRAINT events_pkey;
   DROP INDEX events_measured;
   ALTER TABLE events RENAME TO events_before;
   CREATE TABLE events (
     position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
     project text NOT NULL,
     run text NOT NULL REFERENCES runs,
     seq integer NOT NULL,
     at bigint NOT NULL,
     body json NOT NULL,
     PRIMARY KEY (run, seq)
   );
   INSERT INTO events (project, run, seq, at, body)
     SELECT project, run, e.seq, e.at, body FROM events_before e JOIN runs USING (run) ORDER BY e.at, run, e.seq;
   DROP TABLE events_before;
   CREATE INDEX events_of_project ON events (project, position);
   CREATE INDEX events_measured ON events (run) WHERE body->>'type' = 'sources-measured';

   UPDATE runs SET
     quality = (SELECT (body->'plan'->>'quality')::double precision FROM events
                WHERE events.run = runs.run AND body->>'type' = 'planned' ORDER BY seq DESC LIMIT 1),
     rows = CASE WHEN ended IS NOT NULL THEN (
       SELECT coalesce(sum((output->>'rows')::numeric), 0) FROM (
         SELECT DISTINCT ON (body->>'step') body FROM events
         WHERE events.run = runs.run AND body->>'type' = 'outputs-published' ORDER BY body->>'step', seq DESC
       ) published, json_array_elements(published.body->'outputs') output) END;

   ALTER TABLE outbox ADD COLUMN channel text NOT NULL DEFAULT 'email', ADD COLUMN recipient text NOT NULL DEFAULT '';
   UPDATE outbox SET channel = coalesce(message->>'channel', 'email'), recipient = message->>'to';
   DROP INDEX outbox_waiting;
   CREATE INDEX outbox_waiting ON outbox (channel, recipient, number) WHERE state = 'waiting';
   CREATE INDEX outbox_of_run ON outbox (run);

   DROP TABLE postman;
   CREATE TABLE roles (
     project text NOT NULL,
     role text NOT NULL,
     owner text NOT NULL,
     until timestamptz NOT NULL,
     PRIMARY KEY (project, role)
   );`,

  // Triggers and the ledger of their firings. A firing is entered once, in the transaction that creates its run.
  `CREATE TABLE triggers (
     project text NOT NULL,
     pipeline text NOT NULL,
     trigger text NOT NULL,
     seq bigint NOT NULL DEFAULT 0,
     armed timestamptz NOT NULL DEFAULT now(),
     cursor json,
     PRIMARY KEY (project, pipeline, trigger)
   );
   CREATE TABLE firings (
     number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
     project text NOT NULL,
     pipeline text NOT NULL,
     trigger text NOT NULL,
     key text NOT NULL,
     due bigint NOT NULL,
     noted timestamptz NOT NULL DEFAULT now(),
     run text REFERENCES runs ON DELETE SET NULL,
     PRIMARY KEY (project, pipeline, trigger, key)
   );
   CREATE INDEX firings_of_run ON firings (run) WHERE run IS NOT NULL;`,

  // What is known of the embedded engine's results.
  `CREATE TABLE proofs (project text NOT NULL, pair text NOT NULL, body json, PRIMARY KEY (project, pair));`,

  // Every firing has an outcome. A firing joins a waiting run until that begins to measure.
  `ALTER TABLE triggers ADD COLUMN generation integer NOT NULL DEFAULT 1, ADD COLUMN pauses json NOT NULL DEFAULT '[]',
     ADD COLUMN resumed timestamptz, ADD COLUMN problem text;
   ALTER TABLE firings ADD COLUMN generation integer NOT NULL DEFAULT 1, ADD COLUMN until bigint,
     ADD COLUMN count integer NOT NULL DEFAULT 1, ADD COLUMN outcome text NOT NULL DEFAULT 'started',
     ADD COLUMN reason text, ADD COLUMN payload json;
   ALTER TABLE firings DROP CONSTRAINT firings_pkey, ADD PRIMARY KEY (project, pipeline, trigger, generation, key);
   CREATE INDEX firings_of_trigger ON firings (project, pipeline, trigger, number DESC);
   CREATE INDEX firings_of_project ON firings (project, number DESC);
   ALTER TABLE runs ADD COLUMN trigger text, ADD COLUMN measuring boolean NOT NULL DEFAULT false;
   UPDATE runs SET measuring = true,
     trigger = (SELECT body->'cause'->>'trigger' FROM events WHERE events.run = runs.run AND seq = 1);
   CREATE INDEX runs_of_trigger ON runs (project, pipeline, trigger, number DESC) WHERE trigger IS NOT NULL;
   CREATE INDEX runs_waiting ON runs (project, pipeline, trigger) WHERE ended IS NULL AND trigger IS NOT NULL;
   CREATE INDEX events_ended ON events (project, position) WHERE body->>'type' = 'run-ended';
   CREATE TABLE servers (project text NOT NULL, owner text NOT NULL, info json NOT NULL, PRIMARY KEY (project, owner));
   CREATE TABLE pipelines (project text NOT NULL, file text NOT NULL, body json NOT NULL, PRIMARY KEY (project, file));`,
  // API tokens, by the hash of their secrets, and the audit log.
  `CREATE TABLE tokens (
     project text NOT NULL,
     id text NOT NULL,
     number bigint GENERATED ALWAYS AS IDENTITY,
     name text NOT NULL,
     hash text NOT NULL,
     scopes text[] NOT NULL,
     pipelines text[] NOT NULL,
     created bigint NOT NULL,
     by text NOT NULL,
     expires bigint,
     used bigint,
     revoked bigint,
     PRIMARY KEY (project, id)
   );
   CREATE TABLE audit (
     number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
     project text NOT NULL,
     at bigint NOT NULL,
     by text NOT NULL,
     token text,
     address text,
     action text NOT NULL,
     target text,
     status integer NOT NULL,
     detail text
   );
   CREATE INDEX audit_of_project ON audit (project, number DESC);`,

  // A firing is entered before the run that it starts, in one transaction.
  `ALTER TABLE firings ALTER CONSTRAINT firings_run_fkey DEFERRABLE INITIALLY DEFERRED;`,

  // What is counted for each pipeline. Labels are a JSON list. Runs of before are counted once.
  `CREATE TABLE totals (
     project text NOT NULL,
     pipeline text NOT NULL,
     name text NOT NULL,
     labels text NOT NULL,
     n bigint NOT NULL,
     PRIMARY KEY (project, pipeline, name, labels)
   );
   INSERT INTO totals SELECT project, pipeline, 'runs_ended', json_build_array(state)::text, count(*) FROM runs
     WHERE ended IS NOT NULL GROUP BY project, pipeline, state;`,

  // Alerts, and messages without a run, which have a project of their own. What was found last of each pipeline.
  `ALTER TABLE outbox ALTER COLUMN run DROP NOT NULL, ADD COLUMN project text,
     ADD COLUMN entered timestamptz NOT NULL DEFAULT now();
   CREATE TABLE alerts (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     project text NOT NULL,
     name text NOT NULL,
     labels text NOT NULL,
     severity text NOT NULL,
     facts json NOT NULL,
     seq integer NOT NULL DEFAULT 1,
     began bigint NOT NULL,
     ended bigint,
     sent json NOT NULL,
     acknowledged json
   );
   CREATE UNIQUE INDEX alerts_open ON alerts (project, name, labels) WHERE ended IS NULL;
   CREATE INDEX alerts_of_project ON alerts (project, id DESC);
   CREATE TABLE readings (
     project text NOT NULL,
     pipeline text NOT NULL,
     sources text,
     checks text,
     PRIMARY KEY (project, pipeline)
   );`,

  // Lists of messages go back by their numbers, and show those first that are not sent; runs are counted by their starts.
  `CREATE INDEX outbox_by_number ON outbox (number DESC);
   CREATE INDEX outbox_unsent ON outbox (number DESC) WHERE state <> 'sent';
   CREATE INDEX runs_by_start ON runs (project, started);
   ALTER TABLE runs ADD COLUMN core_seconds bigint;`,
];
