-- $1 stream, $2 after seq
SELECT stream, seq, body, prev, hash FROM ledger.event WHERE stream = $1 AND seq > $2 ORDER BY seq
