ALTER TABLE tasks DROP COLUMN progress;
