-- $1 ballot, $2 sheets, $3 voters
SELECT voter, sheet, papers, choices FROM ballot.held_papers($1, $2, $3)
