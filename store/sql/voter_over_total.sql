-- $1 sheets, $2 choices in total, $3 for one candidate; somebody who is past them
SELECT voter
FROM ballot.voter_day
WHERE sheet = ANY($1)
GROUP BY voter
HAVING sum(octet_length(choices)) > 2 * $2 OR ballot.most_repeated(string_agg(choices, '')) > $3
LIMIT 1
