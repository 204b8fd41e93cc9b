-- The papers of a ballot whose cohorts do not count.
SELECT paper, voter FROM ballot.mark WHERE ballot = $1 AND cohort = ANY($2::text[])
