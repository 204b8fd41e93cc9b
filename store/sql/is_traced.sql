-- Whether traces of this ballot's papers are kept.
SELECT EXISTS (SELECT FROM ballot.traced WHERE ballot = $1)
