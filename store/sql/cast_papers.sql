-- $1 ballot, $2 sheet, $3 sheet of the day before, $4 first and $5 last instant of receipt, $6 voters, $7 papers,
-- $8 choices
SELECT outcome, facts, takers, slots FROM ballot.cast_papers($1, $2, $3, $4, $5, $6, $7, $8)
