-- $1 rows, a JSON array
INSERT INTO views.cycle
SELECT * FROM jsonb_populate_recordset(NULL::views.cycle, $1)
ON CONFLICT (stream) DO UPDATE SET
    cycle = excluded.cycle, status = excluded.status, programme = excluded.programme,
    edition = excluded.edition, title = excluded.title, units = excluded.units, rules = excluded.rules,
    rehearsal = excluded.rehearsal, opened_at = excluded.opened_at, intakes = excluded.intakes,
    intake_closed = excluded.intake_closed, silent = excluded.silent,
    below_minimum = excluded.below_minimum, conferred = excluded.conferred,
    last_seq = excluded.last_seq
