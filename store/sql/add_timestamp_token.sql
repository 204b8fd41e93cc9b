-- $1 day, $2 authority, $3 size of the checkpoint, $4 token
INSERT INTO ledger.timestamp_token (day, authority, size, token) VALUES ($1, $2, $3, $4)
