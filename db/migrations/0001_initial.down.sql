-- Back to an empty file.
DROP TABLE checkpoint_blobs;
DROP TABLE checkpoints;
DROP TABLE events;
DROP TABLE attempt_blobs;
DROP TABLE attempts;
DROP TABLE worker_devices;
DROP TABLE worker_roles;
DROP TABLE workers;
DROP TABLE tasks;
DROP TABLE measurements;
DROP TABLE trial_latencies;
DROP TABLE trials;
DROP TABLE studies;
