-- $1 rows, a JSON array
INSERT INTO views.round
SELECT * FROM jsonb_populate_recordset(NULL::views.round, $1)
ON CONFLICT (stream) DO UPDATE SET
    cycle = excluded.cycle, unit = excluded.unit, rank = excluded.rank, route = excluded.route,
    step = excluded.step, status = excluded.status, held_code = excluded.held_code,
    members = excluded.members, reserve = excluded.reserve, selection = excluded.selection,
    conferred = excluded.conferred, reported = excluded.reported, last_seq = excluded.last_seq
