-- $1 entry id
SELECT entry.entry_id, entry.subject_id, entry.sealed, entry.commitment, subject.wrapped_key
FROM vault.entry
JOIN vault.subject USING (subject_id)
WHERE entry.entry_id = $1
