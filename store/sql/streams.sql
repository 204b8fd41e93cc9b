-- $1 prefix
SELECT stream FROM ledger.stream_head WHERE starts_with(stream, $1) AND seq > 0 ORDER BY stream
