-- $1 from this day on; without a note where the checkpoint is not there
SELECT day, authority, size, token, note
FROM ledger.timestamp_token LEFT JOIN ledger.checkpoint USING (size)
WHERE day >= $1
ORDER BY day, authority
