-- The ballot box: rules pinned at opening, every accepted paper kept, limits held by keys and checks.

CREATE TABLE ballot (
    id text COLLATE "C" PRIMARY KEY,
    rules bytea NOT NULL,
    rules_hash bytea NOT NULL CHECK (rules_hash = sha256(rules)),
    per_day integer NOT NULL CHECK (per_day > 0),
    per_candidate_per_day integer NOT NULL CHECK (per_candidate_per_day > 0)
);
