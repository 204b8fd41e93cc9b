-- $1 streams
SELECT stream, seq, hash FROM ledger.stream_head WHERE stream = ANY ($1::text[])
