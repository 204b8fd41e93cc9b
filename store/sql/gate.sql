-- $1 gate id
SELECT id, cycle, status, opens_at, closes_at, epoch FROM ledger.gate WHERE id = $1
