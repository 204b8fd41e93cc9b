-- $1 cycle
SELECT id, cycle, status, opens_at, closes_at, epoch FROM ledger.gate WHERE cycle = $1 ORDER BY id
