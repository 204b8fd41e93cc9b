-- $1 gate
SELECT status FROM ledger.gate WHERE id = $1
