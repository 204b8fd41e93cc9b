-- $1 ballot, $2 sheet, $3 sheet of the day before, $4 first and $5 last instant of receipt, $6 records of the papers,
-- $7 whether all are likely to be taken as their voters' first
SELECT outcome, facts, takers FROM ballot.cast_papers($1, $2, $3, $4, $5, $6, $7)
