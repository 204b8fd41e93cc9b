-- A batch of accepted papers' traces, in the transaction that accepts them.
INSERT INTO ballot.trace (ballot, first_ms, papers, body) VALUES ($1, $2, $3, $4)
