-- $1 cycle
SELECT nomination, subject, unit, route
FROM ledger.reservation
WHERE cycle = $1
ORDER BY nomination, subject
