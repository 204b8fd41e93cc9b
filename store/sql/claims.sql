-- $1 cycle, $2 scope
SELECT number, holder FROM ledger.claim WHERE cycle = $1 AND scope = $2 ORDER BY number
