SELECT count(*) = 1 FROM pragma_table_info('tasks') WHERE name = 'progress';

SELECT count(*) = 0 FROM pragma_foreign_key_check;
