-- $1 sheet
SELECT ballot.settle($1)
