-- $1 subject id; no row if nobody has it
UPDATE vault.subject SET identity = NULL, wrapped_key = NULL WHERE subject_id = $1
RETURNING subject_id
