-- The ballot box at scale: a row a voter and day with all papers of that day, a partition a ballot and day (a sheet),
-- and the ballot's limits as the partition's own key and checks. Nothing was released with the tables that go.
-- depends: 0003.defence

DROP FUNCTION cast_paper(bytea);
DROP TABLE voter_day, paper, refusal, tally, ballot;
DROP FUNCTION most_repeated(text[]);

-- Candidates and channels are called by their place, from 0. A choice is two bytes: channel * 2048 + candidate.
CREATE TABLE ballot (
    no integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    id text COLLATE "C" PRIMARY KEY,
    rules bytea NOT NULL,
    rules_hash bytea NOT NULL GENERATED ALWAYS AS (sha256(rules)) STORED,
    candidates text[] COLLATE "C" NOT NULL CHECK (cardinality(candidates) BETWEEN 1 AND 2048),
    channels text[] COLLATE "C" NOT NULL CHECK (cardinality(channels) BETWEEN 1 AND 31),
    choices_min integer NOT NULL CHECK (choices_min > 0),
    choices_max integer NOT NULL CHECK (choices_max >= choices_min),
    per_day integer NOT NULL CHECK (per_day BETWEEN 1 AND 255),
    per_candidate integer NOT NULL CHECK (per_candidate > 0),
    in_total integer CHECK (in_total BETWEEN 1 AND 65535),
    candidate_in_total integer CHECK (candidate_in_total > 0),
    repeats boolean NOT NULL
);

-- A day of a ballot in Asia/Shanghai; its papers are in the partition `voter_day_<no>`.
CREATE TABLE sheet (
    no smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ballot text COLLATE "C" NOT NULL REFERENCES ballot,
    day date NOT NULL,
    CONSTRAINT a_day_has_one_sheet UNIQUE (ballot, day)
);

-- `papers` are 18 bytes each, the paper's id and its minute of the day, with a byte between two of them: how many
-- choices come before the second one's. `choices` are those of all its papers, in their order.
CREATE TABLE voter_day (
    voter uuid NOT NULL,
    sheet smallint NOT NULL,
    papers bytea NOT NULL,
    choices bytea NOT NULL
) PARTITION BY LIST (sheet);

-- All choices of a voter; only ballots that limit them in total have it. The partition is `voter_total_<ballot.no>`.
CREATE TABLE voter_total (
    voter uuid NOT NULL,
    ballot integer NOT NULL,
    choices bytea NOT NULL
) PARTITION BY LIST (ballot);

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

-- Of a sealed ballot's tree: every full subtree of 2^level leaves from level 8 on, and the last peaks below.
CREATE TABLE node (
    ballot integer NOT NULL REFERENCES ballot (no),
    level smallint NOT NULL,
    n integer NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (ballot, level, n)
);

-- Which paper is leaf number 256 * n.
CREATE TABLE page (
    ballot integer NOT NULL REFERENCES ballot (no),
    n integer NOT NULL,
    day date NOT NULL,
    voter uuid NOT NULL,
    slot smallint NOT NULL,
    PRIMARY KEY (ballot, day, voter, slot)
);

-- How often the most frequent candidate is named.
CREATE FUNCTION most_repeated(p_choices bytea) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    named integer[] := '{}';
    most integer := 0;
    one integer;
BEGIN
    FOR at IN 0 .. octet_length(p_choices) - 2 BY 2 LOOP
        one := get_byte(p_choices, at) % 8 * 256 + get_byte(p_choices, at + 1);
        named := named || one;
        most := greatest(most, cardinality(array_positions(named, one)));
    END LOOP;
    RETURN most;
END
$$;

-- Whether every choice names a candidate and a channel that there is.
CREATE FUNCTION choices_exist(p_choices bytea, p_candidates integer, p_channels integer) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    FOR at IN 0 .. octet_length(p_choices) - 2 BY 2 LOOP
        IF get_byte(p_choices, at) % 8 * 256 + get_byte(p_choices, at + 1) >= p_candidates
            OR get_byte(p_choices, at) / 8 >= p_channels THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN octet_length(p_choices) % 2 = 0;
END
$$;
