-- $1 subject id, $2 identity, $3 wrapped key; nothing if the person is known
INSERT INTO vault.subject (subject_id, identity, wrapped_key) VALUES ($1, $2, $3) ON CONFLICT (identity) DO NOTHING
