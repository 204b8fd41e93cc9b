-- These papers belong to the cohort; those that are in one already stay there.
INSERT INTO ballot.mark (ballot, cohort, paper, voter)
SELECT $1, cohort, paper, voter FROM unnest($2::text[], $3::bytea[], $4::bytea[]) given (cohort, paper, voter)
ON CONFLICT (ballot, voter, paper) DO NOTHING
