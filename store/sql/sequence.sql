-- $1 low, $2 limit: the next committed events get their places. A stream's events get their ids under its lock, so that
-- the order of ids is the stream's; what one command wrote stands side by side where its first event is.
WITH batch AS MATERIALIZED (
    SELECT event.id, event.stream, event.command_id, event.seq, event.ordinal
    FROM ledger.event
    WHERE event.id > $1
        AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
    ORDER BY event.id
    LIMIT $2
),
counted AS MATERIALIZED (SELECT count(*) AS number, max(id) AS last FROM batch),
cut_off AS ( -- what a full batch cut off from its commands
    SELECT event.id, event.stream, event.command_id, event.seq, event.ordinal
    FROM (SELECT DISTINCT batch.stream, batch.command_id FROM batch, counted WHERE counted.number = $2) AS command
    JOIN ledger.event ON event.stream = command.stream AND event.command_id = command.command_id
    WHERE event.id > (SELECT last FROM counted)
        AND NOT EXISTS (SELECT FROM ledger.leaf WHERE leaf.stream = event.stream AND leaf.seq = event.seq)
),
fresh AS MATERIALIZED (SELECT * FROM batch UNION ALL SELECT * FROM cut_off),
placed AS (
    INSERT INTO ledger.leaf (idx, stream, seq)
    SELECT free.idx + row_number() OVER (ORDER BY together.first_id, together.id) - 1, together.stream, together.seq
    FROM (
        SELECT fresh.id, fresh.stream, fresh.seq, CASE WHEN fresh.ordinal = 0 THEN fresh.id ELSE coalesce((
            SELECT event.id FROM ledger.event
            WHERE event.stream = fresh.stream AND event.seq = fresh.seq - fresh.ordinal
        ), fresh.id) END AS first_id
        FROM fresh
    ) AS together, (SELECT coalesce(max(idx) + 1, 0) AS idx FROM ledger.leaf) AS free
)
SELECT number, last FROM counted
