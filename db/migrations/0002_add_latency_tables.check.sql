SELECT count(*) = 2 FROM sqlite_schema
WHERE type = 'table' AND name IN ('latency_tables', 'op_latencies');

SELECT count(*) = 0 FROM pragma_foreign_key_check;
