-- $1 deposit id
SELECT entry.entry_id, entry.subject_id, entry.sealed, entry.commitment, subject.identity, subject.wrapped_key
FROM vault.entry
JOIN vault.subject USING (subject_id)
WHERE entry.deposit_id = $1
