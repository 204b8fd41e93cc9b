-- $1 cycle
SELECT unit, count(*) AS held FROM ledger.reservation WHERE cycle = $1 GROUP BY unit ORDER BY unit
