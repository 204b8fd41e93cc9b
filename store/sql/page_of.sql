-- $1 ballot's number, $2 day, $3 voter, $4 slot; the page that the paper would be on
SELECT n, day, voter, slot
FROM ballot.page
WHERE ballot = $1 AND (day, voter, slot) <= ($2, $3, $4)
ORDER BY day DESC, voter DESC, slot DESC
LIMIT 1
