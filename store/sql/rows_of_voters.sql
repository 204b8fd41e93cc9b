-- $1 sheets, $2 voters
SELECT voter, papers, choices FROM ballot.voter_day WHERE sheet = ANY($1) AND voter = ANY($2)
