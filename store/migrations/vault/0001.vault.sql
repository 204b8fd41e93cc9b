-- The person vault: sealed blobs, each person's key wrapped by a key that is not in this database.

CREATE TABLE subject (
    subject_id text COLLATE "C" PRIMARY KEY,
    identity bytea UNIQUE,
    wrapped_key bytea,
    CONSTRAINT erased_whole CHECK ((identity IS NULL) = (wrapped_key IS NULL))
);

CREATE TABLE entry (
    entry_id text COLLATE "C" PRIMARY KEY,
    deposit_id text COLLATE "C" NOT NULL UNIQUE,
    subject_id text COLLATE "C" NOT NULL REFERENCES subject,
    sealed bytea NOT NULL,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32)
);
CREATE INDEX entry_by_subject ON entry (subject_id);

GRANT USAGE ON SCHEMA vault TO xuanshu_vault;
GRANT SELECT, INSERT ON subject, entry TO xuanshu_vault;
GRANT UPDATE (identity, wrapped_key) ON subject TO xuanshu_vault;
