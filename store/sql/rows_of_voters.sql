-- $1 sheet, $2 voters; in the order of the tree
SELECT voter, papers, choices FROM ballot.voter_day WHERE sheet = $1 AND voter = ANY($2) ORDER BY voter
