-- $1 ballot.
SELECT ballot, rules, status, opens_at, closes_at, pace, papers, root, provisional FROM ballot.poll WHERE ballot = $1
