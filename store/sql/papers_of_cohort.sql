-- The papers of a cohort in ascending order, as its root covers them.
SELECT paper, voter FROM ballot.mark WHERE ballot = $1 AND cohort = $2 ORDER BY paper, voter
