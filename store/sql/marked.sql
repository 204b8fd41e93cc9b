-- $1 ballot, $2 cohorts
SELECT DISTINCT voter, paper FROM ballot.mark WHERE ballot = $1 AND cohort = ANY($2)
