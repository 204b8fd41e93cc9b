-- The cohorts of a ballot, with how many papers each has.
SELECT cohort, count(*) AS papers FROM ballot.mark WHERE ballot = $1 GROUP BY cohort ORDER BY cohort
