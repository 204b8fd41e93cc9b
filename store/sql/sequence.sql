-- $1 low, $2 limit: the next committed events get their places. A stream's events get their ids under its lock, so that
-- the order of ids is the stream's; what one command wrote stands side by side where its first event is.
WITH batch AS MATERIALIZED (
    SELECT event.id, event.stream, event.command_id, event.seq,
        event.hash = sha256('\x00'::bytea || event.body) AS has_its_hash
    FROM ledger.event
    WHERE event.id > $1
        AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
    ORDER BY event.id
    LIMIT $2
),
counted AS MATERIALIZED (SELECT count(*) AS number, max(id) AS last FROM batch),
cut_off AS ( -- what a full batch cut off from its commands
    SELECT event.id, event.stream, event.command_id, event.seq,
        event.hash = sha256('\x00'::bytea || event.body) AS has_its_hash
    FROM (SELECT DISTINCT batch.stream, batch.command_id FROM batch, counted WHERE counted.number = $2) AS command
    JOIN ledger.event ON event.stream = command.stream AND event.command_id = command.command_id
    WHERE event.id > (SELECT last FROM counted)
        AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
),
fresh AS MATERIALIZED (SELECT * FROM batch UNION ALL SELECT * FROM cut_off),
placed AS (
    INSERT INTO ledger.leaf (idx, stream, seq)
    SELECT free.idx + row_number() OVER (ORDER BY together.first_id, together.id) - 1, together.stream, together.seq
    FROM (SELECT *, min(id) OVER (PARTITION BY stream, command_id) AS first_id FROM fresh) AS together,
        (SELECT coalesce(max(idx) + 1, 0) AS idx FROM ledger.leaf) AS free
)
SELECT counted.number, counted.last, broken.stream, broken.seq
FROM counted
LEFT JOIN (SELECT stream, seq FROM fresh WHERE has_its_hash IS NOT TRUE ORDER BY id LIMIT 1) AS broken ON true
