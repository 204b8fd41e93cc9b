-- $1 workflow, $2 run, $3 cycle, $4 kind, $5 status, $6 closed at, $7 events, $8 packed; no row if it is kept already
INSERT INTO ledger.history (workflow, run, cycle, kind, status, closed_at, events, packed, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, sha256($8))
ON CONFLICT DO NOTHING
RETURNING run
