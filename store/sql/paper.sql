-- $1 ballot, $2 paper id
SELECT n, body, leaf FROM ballot.paper WHERE ballot = $1 AND id = $2
