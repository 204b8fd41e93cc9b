-- From its first paper on, traces of this ballot's papers are kept; again is no error.
INSERT INTO ballot.traced (ballot) VALUES ($1) ON CONFLICT DO NOTHING
