-- The cohorts of one screening, by their names' beginning.
SELECT cohort, count(*) AS papers FROM ballot.mark
WHERE ballot = $1 AND starts_with(cohort, $2) GROUP BY cohort ORDER BY cohort
