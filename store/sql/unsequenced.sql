-- $1 low, $2 limit; a stream's events get their ids under its lock, so this order is the stream's
SELECT event.id, event.stream, event.command_id, event.seq, event.body, event.prev, event.hash
FROM ledger.event
WHERE event.id > $1
    AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
ORDER BY event.id
LIMIT $2
