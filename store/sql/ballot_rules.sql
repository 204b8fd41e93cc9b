-- $1 ballot
SELECT rules FROM ballot.ballot WHERE id = $1
