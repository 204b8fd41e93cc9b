-- $1 sheet; in the order of the tree
SELECT voter, papers, choices FROM ballot.voter_day WHERE sheet = $1 ORDER BY voter
