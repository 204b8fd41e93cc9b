-- $1 fingerprint of the wrapping key; the first one stays
INSERT INTO vault.key_check (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING
