-- $1 first idx, $2 limit
SELECT leaf.idx, leaf.stream, leaf.seq, event.body, event.prev, event.hash,
    event.command_id, event.ordinal, event.type
FROM (SELECT idx, stream, seq FROM ledger.leaf WHERE idx >= $1 ORDER BY idx LIMIT $2) AS leaf
LEFT JOIN ledger.event ON event.stream = leaf.stream AND event.seq = leaf.seq
ORDER BY leaf.idx
