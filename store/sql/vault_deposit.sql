-- $1 entry id, $2 deposit id, $3 subject id, $4 sealed, $5 commitment; nothing if the deposit is known
INSERT INTO vault.entry (entry_id, deposit_id, subject_id, sealed, commitment)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (deposit_id) DO NOTHING
