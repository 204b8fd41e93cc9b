-- $1 sheet, $2 the head of its leaves; in the order of the tree
SELECT
    voter,
    CASE
        WHEN octet_length(papers) = 18 THEN sha256($2 || uuid_send(voter) || papers || choices)
        ELSE ballot.leaves($2, voter, papers, choices)
    END AS leaves
FROM ballot.voter_day
WHERE sheet = $1
ORDER BY voter
