-- $1 subject id
UPDATE vault.subject SET identity = NULL, wrapped_key = NULL WHERE subject_id = $1
