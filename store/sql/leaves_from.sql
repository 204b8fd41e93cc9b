-- $1 sheet, $2 first voter, $3 rows
SELECT voter, found FROM ballot.leaves_from($1, $2, $3)
