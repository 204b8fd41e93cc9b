-- $1 ballot, $2 rules' bytes, $3 choices a day, $4 for one candidate a day, $5 fewest and $6 most on a paper,
-- $7 candidates in the order of the paper; the first opening stays
INSERT INTO ballot.ballot (id, rules, per_day, per_candidate, choices_min, choices_max, candidates)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO NOTHING
