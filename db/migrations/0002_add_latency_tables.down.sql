DROP TABLE op_latencies;
DROP TABLE latency_tables;
