-- $1 streams, $2 first seq; one statement, so heads and events are of one moment
SELECT asked.stream, event.seq, event.body, event.prev, event.hash, head.seq AS head_seq, head.hash AS head_hash
FROM unnest($1::text[]) AS asked (stream)
LEFT JOIN ledger.stream_head AS head ON head.stream = asked.stream
LEFT JOIN ledger.event ON event.stream = asked.stream AND event.seq >= $2
ORDER BY asked.stream, event.seq
