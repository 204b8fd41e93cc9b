-- $1 new subject id, $2 identity's HMAC, $3 wrapped key; waits for whoever is adding the same identity
INSERT INTO vault.subject (subject_id, identity, wrapped_key) VALUES ($1, $2, $3)
ON CONFLICT (identity) DO NOTHING
