-- $1 ballot.
SELECT ballot, rules, status, opens_at, closes_at, pace, papers, root, provisional, traced FROM ballot.poll WHERE ballot = $1
