-- $1 ballot, $2 what was tried, $3 when it is forgotten.
SELECT times, until FROM ballot.count_try($1, $2, $3)
