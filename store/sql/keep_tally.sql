-- $1 ballot, $2 the tally's bytes; the first seal stays
INSERT INTO ballot.tally (ballot, body) VALUES ($1, $2) ON CONFLICT (ballot) DO NOTHING
