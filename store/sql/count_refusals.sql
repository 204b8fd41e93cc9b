-- $1 ballot, $2 codes, $3 how often each
SELECT ballot.count_refusals($1, $2, $3)
