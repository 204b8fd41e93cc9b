-- $1 after this stream, $2 limit
SELECT stream, seq, hash FROM ledger.stream_head WHERE stream > $1 AND seq > 0 ORDER BY stream LIMIT $2
