-- $1 ballot
SELECT body FROM ballot.tally WHERE ballot = $1
