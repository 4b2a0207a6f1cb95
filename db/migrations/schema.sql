CREATE TABLE attempt_blobs (
  token INTEGER NOT NULL REFERENCES attempts (token),
  sha256 TEXT NOT NULL,
  PRIMARY KEY (token, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  token INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES tasks (seq),
  number INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  session TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL,
  -- 0 while it runs.
  ended_ns INTEGER NOT NULL DEFAULT 0,
  outcome INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  -- frostnas.v1.TaskResult as the worker sent it.
  result BLOB,
  UNIQUE (task, number)
) STRICT;

CREATE UNIQUE INDEX attempts_open ON attempts (task) WHERE outcome = 0;

CREATE INDEX attempts_open_expiry ON attempts (expires_ns) WHERE outcome = 0;

CREATE INDEX attempts_open_worker ON attempts (worker_id) WHERE outcome = 0;

CREATE TABLE checkpoint_blobs (
  study INTEGER NOT NULL REFERENCES checkpoints (study),
  position INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  study INTEGER PRIMARY KEY REFERENCES studies (seq),
  state BLOB NOT NULL
) STRICT;

CREATE TABLE events (
  study INTEGER NOT NULL REFERENCES studies (seq),
  sequence INTEGER NOT NULL,
  -- frostnas.v1.StudyEvent without sequence and study_id.
  record BLOB NOT NULL,
  PRIMARY KEY (study, sequence)
) STRICT;

CREATE TABLE latency_tables (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  device_fingerprint TEXT NOT NULL,
  runtime TEXT NOT NULL,
  threads INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  -- frostnas.v1.LatencyTable without its operators.
  record BLOB NOT NULL,
  UNIQUE (device_fingerprint, runtime, threads, batch)
) STRICT;

CREATE TABLE measurements (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  -- frostnas.v1.Measurement.
  record BLOB NOT NULL,
  FOREIGN KEY (study, trial) REFERENCES trials (study, id)
) STRICT;

CREATE INDEX measurements_trial ON measurements (study, trial, seq);

CREATE TABLE op_latencies (
  latency_table INTEGER NOT NULL REFERENCES latency_tables (seq),
  op_sha256 TEXT NOT NULL,
  -- frostnas.v1.OpLatency.
  record BLOB NOT NULL,
  PRIMARY KEY (latency_table, op_sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;

CREATE TABLE studies (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id TEXT NOT NULL UNIQUE,
  spec_sha256 TEXT NOT NULL,
  state INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  last_event INTEGER NOT NULL DEFAULT 0,
  -- frostnas.v1.StudySpec; written once.
  spec BLOB NOT NULL,
  -- frostnas.v1.Study without its spec.
  record BLOB NOT NULL
) STRICT;

CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  study INTEGER NOT NULL REFERENCES studies (seq),
  key TEXT NOT NULL,
  -- 0: no trial's.
  trial INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  -- Empty: any worker with the role.
  device_id TEXT NOT NULL,
  -- Blob the work starts from; empty: none.
  input_sha256 TEXT NOT NULL,
  state INTEGER NOT NULL,
  -- Begun so far, and how many may still begin.
  attempts INTEGER NOT NULL DEFAULT 0,
  attempts_left INTEGER NOT NULL,
  -- Who failed or lost the last attempt; empty: nobody.
  failed_worker TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  -- frostnas.v1.Task without id and study_id.
  record BLOB NOT NULL,
  -- frostnas.v1.TaskResult, the counted one.
  result BLOB, progress REAL NOT NULL DEFAULT 0,
  UNIQUE (study, key)
) STRICT;

CREATE INDEX tasks_open ON tasks (study, trial) WHERE state IN (1, 2);

CREATE INDEX tasks_runnable ON tasks (kind, device_id, seq) WHERE state = 1;

CREATE TABLE trial_latencies (
  study INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  trial INTEGER NOT NULL,
  median_ns INTEGER NOT NULL,
  PRIMARY KEY (study, device_id, trial),
  FOREIGN KEY (study, trial) REFERENCES trials (study, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE trials (
  study INTEGER NOT NULL REFERENCES studies (seq),
  id INTEGER NOT NULL CHECK (id > 0),
  arch_sha256 TEXT NOT NULL,
  state INTEGER NOT NULL,
  on_front INTEGER NOT NULL,
  int8_top1 REAL NOT NULL,
  weights_sha256 TEXT NOT NULL,
  package_sha256 TEXT NOT NULL,
  -- frostnas.v1.Trial.
  record BLOB NOT NULL,
  PRIMARY KEY (study, id),
  UNIQUE (study, arch_sha256)
) STRICT;

CREATE INDEX trials_front ON trials (study, id) WHERE on_front = 1;

CREATE INDEX trials_objective ON trials (study, id, state, int8_top1);

CREATE TABLE worker_devices (
  worker_id TEXT NOT NULL REFERENCES workers (worker_id),
  device_id TEXT NOT NULL,
  PRIMARY KEY (worker_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker_roles (
  worker_id TEXT NOT NULL REFERENCES workers (worker_id),
  kind INTEGER NOT NULL,
  PRIMARY KEY (worker_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  worker_id TEXT PRIMARY KEY,
  session TEXT NOT NULL UNIQUE,
  last_heard_ns INTEGER NOT NULL,
  -- frostnas.v1.RegisterRequest.
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;

