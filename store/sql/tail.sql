-- $1 stream, $2 after seq
SELECT stream, seq, body, prev, hash, command_id, ordinal, type FROM ledger.event WHERE stream = $1 AND seq > $2 ORDER BY seq
