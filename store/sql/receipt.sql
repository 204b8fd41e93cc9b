-- $1 stream, $2 command id
SELECT stream, seq, body, prev, hash
FROM ledger.event
WHERE stream = $1 AND command_id = $2
ORDER BY ordinal
