-- $1 cycle or '', $2 sender or '', $3 limit
SELECT id, cycle, sender, workflow, name, payload
FROM ledger.outbox
WHERE NOT delivered AND $1 IN ('', cycle) AND $2 IN ('', sender)
ORDER BY n
LIMIT $3
