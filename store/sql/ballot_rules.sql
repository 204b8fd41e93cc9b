-- $1 ballot
SELECT no, rules FROM ballot.ballot WHERE id = $1
