-- The person vault: sealed blobs, each person's key wrapped by a key that is not in this database.

-- Which wrapping key this vault belongs to: another one would give every known person a second subject id.
CREATE TABLE key_check (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32)
);

-- Vacuumed after every erasure: the dead row still holds the wrapped key.
CREATE TABLE subject (
    subject_id text COLLATE "C" PRIMARY KEY,
    identity bytea UNIQUE,
    wrapped_key bytea,
    CONSTRAINT erased_whole CHECK ((identity IS NULL) = (wrapped_key IS NULL))
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE entry (
    entry_id text COLLATE "C" PRIMARY KEY,
    deposit_id text COLLATE "C" NOT NULL UNIQUE,
    subject_id text COLLATE "C" NOT NULL REFERENCES subject,
    sealed bytea NOT NULL,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32)
);
CREATE INDEX entry_by_subject ON entry (subject_id);

GRANT USAGE ON SCHEMA vault TO xuanshu_vault;
GRANT SELECT, INSERT ON key_check, subject, entry TO xuanshu_vault;
GRANT UPDATE (identity, wrapped_key) ON subject TO xuanshu_vault;
