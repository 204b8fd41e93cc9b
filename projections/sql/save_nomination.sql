-- $1 rows, a JSON array
INSERT INTO views.nomination
SELECT * FROM jsonb_populate_recordset(NULL::views.nomination, $1)
ON CONFLICT (stream) DO UPDATE SET
    cycle = excluded.cycle, nomination = excluded.nomination, subject = excluded.subject,
    unit = excluded.unit, route = excluded.route, path = excluded.path, status = excluded.status,
    level = excluded.level, stands_at = excluded.stands_at, round = excluded.round,
    revision = excluded.revision, returned = excluded.returned, titles = excluded.titles,
    last_seq = excluded.last_seq
