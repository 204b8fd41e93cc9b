-- $1 ballot
SELECT no, rules, EXISTS (SELECT FROM ballot.traced WHERE ballot = $1) AS traced FROM ballot.ballot WHERE id = $1
