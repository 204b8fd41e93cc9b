-- $1 ballot, $2 the key it gets if it has none; no row without such a ballot, NULL once the key is destroyed.
SELECT sealed FROM ballot.voter_key_of($1, $2)
