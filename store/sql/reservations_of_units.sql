-- $1 cycle, $2 units
SELECT nomination, subject, unit, route
FROM ledger.reservation
WHERE cycle = $1 AND unit = ANY ($2)
ORDER BY nomination, subject
