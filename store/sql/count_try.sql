-- $1 ballot, $2 what was tried, $3 when it is forgotten.
SELECT ballot.count_try($1, $2, $3)
