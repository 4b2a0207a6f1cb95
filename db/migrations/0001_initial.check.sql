-- The migration holds when each statement gives one row with a 1. No semicolons
-- but at the ends of statements.

SELECT count(*) = 13 FROM sqlite_schema
WHERE type = 'table' AND name IN (
  'studies', 'trials', 'trial_latencies', 'measurements', 'tasks', 'workers',
  'worker_roles', 'worker_devices', 'attempts', 'attempt_blobs', 'events',
  'checkpoints', 'checkpoint_blobs');

SELECT count(*) = 8 FROM sqlite_schema
WHERE type = 'index' AND name IN (
  'trials_front', 'trials_objective', 'measurements_trial', 'tasks_runnable',
  'tasks_open', 'attempts_open', 'attempts_open_worker',
  'attempts_open_expiry');

SELECT count(*) = 0 FROM pragma_foreign_key_check;

-- A task is leased exactly when one of its attempts is open.
SELECT count(*) = 0 FROM tasks
WHERE (state = 2) <> EXISTS (
  SELECT 1 FROM attempts WHERE task = tasks.seq AND outcome = 0);

-- Events of a study are numbered without gaps.
SELECT count(*) = 0 FROM studies
WHERE last_event <> (SELECT count(*) FROM events WHERE study = studies.seq)
   OR last_event <> (SELECT coalesce(max(sequence), 0) FROM events
                     WHERE study = studies.seq);
