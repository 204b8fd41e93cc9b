-- $1 position; the first checkpoint whose tree holds it
SELECT size, root, note FROM ledger.checkpoint WHERE size >= $1 ORDER BY size LIMIT 1
