-- $1 entry id, or NULL; $2 deposit id, or NULL
SELECT entry_id, subject_id, sealed, commitment, identity, wrapped_key
FROM vault.entry
JOIN vault.subject USING (subject_id)
WHERE entry_id = $1 OR deposit_id = $2
