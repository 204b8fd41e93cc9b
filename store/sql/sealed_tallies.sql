-- $1 ballots
SELECT tally.body, ballot.rules
FROM ballot.tally
JOIN ballot.ballot ON ballot.id = tally.ballot
WHERE tally.ballot = ANY ($1::text [])
ORDER BY tally.ballot
