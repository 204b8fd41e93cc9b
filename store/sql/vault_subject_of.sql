-- $1 identity
SELECT subject_id, wrapped_key FROM vault.subject WHERE identity = $1
