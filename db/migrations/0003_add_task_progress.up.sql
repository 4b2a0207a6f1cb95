-- Version 3: how far the running attempt of a task is, for people.

ALTER TABLE tasks ADD COLUMN progress REAL NOT NULL DEFAULT 0;
