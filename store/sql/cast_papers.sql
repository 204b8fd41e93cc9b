-- $1 ballot, $2 sheet, $3 first and $4 last instant of receipt, $5 records of the papers,
-- $6 whether all are likely to be taken as their voters' first
SELECT outcome, facts, takers FROM ballot.cast_papers($1, $2, $3, $4, $5, $6)
