-- $1 low, $2 limit; a stream's events get their ids under its lock, so this order is the stream's
SELECT event.id, event.stream, event.command_id, event.seq,
    event.hash = sha256('\x00'::bytea || event.body) AS has_its_hash
FROM ledger.event
WHERE event.id > $1
    AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
ORDER BY event.id
LIMIT $2
