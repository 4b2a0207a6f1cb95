-- Version 2: operator latencies that studies share.

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

CREATE TABLE op_latencies (
  latency_table INTEGER NOT NULL REFERENCES latency_tables (seq),
  op_sha256 TEXT NOT NULL,
  -- frostnas.v1.OpLatency.
  record BLOB NOT NULL,
  PRIMARY KEY (latency_table, op_sha256)
) STRICT, WITHOUT ROWID;
