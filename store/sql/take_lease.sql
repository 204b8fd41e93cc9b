-- The sequencer's row, locked until the step's transaction ends; a second sequencer waits here.
-- `mine` is given out now, so whoever holds an id that was seen before has a lower one. Every transaction below `oldest`
-- was over when this began.
SELECT low, candidate, horizon, pg_current_xact_id()::text::bigint AS mine,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest
FROM ledger.sequencer
FOR NO KEY UPDATE
