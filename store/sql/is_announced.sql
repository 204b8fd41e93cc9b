-- $1 ballot
SELECT ballot.is_announced($1)
