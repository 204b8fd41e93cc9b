-- These papers belong to the cohort; again is no error.
INSERT INTO ballot.mark (ballot, cohort, paper, voter)
SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING
