-- $1 after position, $2 limit; position = idx + 1
SELECT leaf.idx + 1 AS position, event.stream, event.seq, event.body, event.prev, event.hash
FROM (SELECT idx, stream, seq FROM ledger.leaf WHERE idx >= $1 ORDER BY idx LIMIT $2) AS leaf
LEFT JOIN ledger.event ON event.stream = leaf.stream AND event.seq = leaf.seq
ORDER BY leaf.idx
