-- $1 day, $2 authority: the newest checkpoint, nothing if that authority has stamped on that day
SELECT size, note FROM ledger.checkpoint
WHERE NOT EXISTS (SELECT FROM ledger.timestamp_token WHERE day = $1 AND authority = $2)
ORDER BY size DESC LIMIT 1
