-- The ballot box: rules pinned at opening, every accepted paper kept as bytes, limits held by keys and checks.

-- How often the most frequent of these occurs.
CREATE FUNCTION most_repeated(texts text[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM unnest(texts) one GROUP BY one) counted
$$;

CREATE TABLE ballot (
    id text COLLATE "C" PRIMARY KEY,
    rules bytea NOT NULL,
    per_day integer NOT NULL CHECK (per_day > 0),
    per_candidate integer NOT NULL CHECK (per_candidate > 0),
    choices_min integer NOT NULL CHECK (choices_min > 0),
    choices_max integer NOT NULL CHECK (choices_max > 0),
    candidates text[] COLLATE "C" NOT NULL CONSTRAINT candidates_differ CHECK (most_repeated(candidates) = 1),
    CONSTRAINT limits UNIQUE (id, per_day, per_candidate)
);

-- A voter's choices of one day in Asia/Shanghai; the limits are its ballot's and cannot be passed (DR-21).
CREATE TABLE voter_day (
    ballot text COLLATE "C" NOT NULL,
    voter text COLLATE "C" NOT NULL,
    day date NOT NULL,
    per_day integer NOT NULL,
    per_candidate integer NOT NULL,
    choices text[] COLLATE "C" NOT NULL,
    PRIMARY KEY (ballot, voter, day),
    CONSTRAINT limits_are_the_ballots FOREIGN KEY (ballot, per_day, per_candidate)
    REFERENCES ballot (id, per_day, per_candidate),
    CONSTRAINT within_the_day CHECK (cardinality(choices) <= per_day),
    CONSTRAINT within_the_candidate CHECK (most_repeated(choices) <= per_candidate)
);

-- In the order of `n`, which may have holes, the papers are the leaves of the ballot's tree.
CREATE TABLE paper (
    n bigint GENERATED ALWAYS AS IDENTITY,
    ballot text COLLATE "C" NOT NULL REFERENCES ballot,
    id text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    leaf bytea NOT NULL GENERATED ALWAYS AS (sha256('\x00'::bytea || body)) STORED,
    CONSTRAINT paper_counts_once PRIMARY KEY (ballot, id),
    UNIQUE (ballot, n)
);

CREATE TABLE refusal (
    ballot text COLLATE "C" NOT NULL REFERENCES ballot,
    code text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (ballot, code)
);

CREATE TABLE tally (
    ballot text COLLATE "C" PRIMARY KEY REFERENCES ballot,
    body bytea NOT NULL
);
