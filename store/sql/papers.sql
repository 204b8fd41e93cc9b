-- $1 ballot
SELECT n, body, leaf FROM ballot.paper WHERE ballot = $1 ORDER BY n
