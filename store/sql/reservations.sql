-- $1 cycle, $2 units or null
SELECT nomination, subject, unit, route
FROM ledger.reservation
WHERE cycle = $1 AND ($2::text[] IS NULL OR unit = ANY ($2::text[]))
ORDER BY nomination, subject
