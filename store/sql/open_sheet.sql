-- $1 ballot, $2 day
SELECT ballot.open_sheet($1, $2)
