-- $1 last id of a full batch, $2 streams and $3 command ids of it: what these commands wrote above that id
SELECT event.id, event.stream, event.command_id, event.seq,
    event.hash = sha256('\x00'::bytea || event.body) AS has_its_hash
FROM unnest($2::text[], $3::text[]) AS batch (stream, command_id)
JOIN ledger.event USING (stream, command_id)
WHERE event.id > $1
    AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
ORDER BY event.id
