-- The whole log beside the whole order: committed events without a leaf.
SELECT event.stream, event.seq, event.body, event.prev, event.hash
FROM ledger.event
LEFT JOIN ledger.leaf ON leaf.stream = event.stream AND leaf.seq = event.seq
WHERE leaf.idx IS NULL
ORDER BY event.id
