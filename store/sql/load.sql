-- $1 streams, $2 the seq after which each is wanted; one statement, so heads and events are of one moment
SELECT asked.stream, event.seq, event.body, event.prev, event.hash, head.seq AS head_seq, head.hash AS head_hash
FROM unnest($1::text[], $2::bigint[]) AS asked (stream, after)
LEFT JOIN ledger.stream_head AS head ON head.stream = asked.stream
LEFT JOIN ledger.event ON event.stream = asked.stream AND event.seq > asked.after
ORDER BY asked.stream, event.seq
