-- $1 size, $2 root, $3 note, $4 the size that it extends; nothing if somebody else has signed meanwhile
INSERT INTO ledger.checkpoint (size, root, note)
SELECT $1::bigint, $2::bytea, $3::text
WHERE coalesce((SELECT max(size) FROM ledger.checkpoint), 0) = $4
ON CONFLICT DO NOTHING
RETURNING size
