-- Against ballot-stuffing (DR-23): what the rules may know of papers for a while, and which papers they name.
-- depends: 0006.sealing

-- The ballots of which traces are kept: those whose programme has rules against stuffing. Written before the ballot opens.
CREATE TABLE traced (ballot text COLLATE "C" PRIMARY KEY);

-- A batch of papers' traces (`schemas.traces.packed`), written with the papers; dropped when no longer needed. Where not
-- all of them were taken, `takers` are those who were: voter (16) and number of the day (1) one after the other.
CREATE TABLE trace (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ballot text COLLATE "C" NOT NULL,
    first_ms bigint NOT NULL,
    papers integer NOT NULL,
    body bytea NOT NULL,
    takers bytea
);
ALTER TABLE trace ALTER COLUMN body SET STORAGE EXTERNAL; -- hashes do not compress
CREATE INDEX trace_in_time ON trace (ballot, first_ms, n);

-- The papers of a cohort, 16 bytes each as their voters. What becomes of a cohort the round's stream says, and the
-- sealing is told which cohorts do not count; the event holds the Merkle root of a cohort's papers. A paper is in one.
CREATE TABLE mark (
    ballot text COLLATE "C" NOT NULL,
    cohort text COLLATE "C" NOT NULL,
    paper bytea NOT NULL,
    voter bytea NOT NULL,
    PRIMARY KEY (ballot, voter, paper)
);
CREATE INDEX mark_of_cohort ON mark (ballot, cohort, paper);

-- The last screening of a ballot. Whoever changes the row is alone on the ballot until it commits.
CREATE TABLE screening (ballot text COLLATE "C" PRIMARY KEY, number integer NOT NULL);

CREATE FUNCTION drop_traces(p_ballot text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    WITH gone AS (DELETE FROM trace WHERE ballot = p_ballot RETURNING papers) SELECT coalesce(sum(papers), 0) FROM gone
$$;

-- What was known of the senders goes with the key from which the voters' tokens were made, in the same transaction.
CREATE FUNCTION drop_traces_of_cycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
BEGIN
    DELETE FROM trace USING ledger.gate WHERE trace.ballot = gate.id AND 'cycle/' || gate.cycle = new.stream;
    RETURN NULL;
END
$$;
CREATE TRIGGER drop_traces AFTER INSERT ON ledger.event
FOR EACH ROW WHEN (new.type = 'BallotKeysDestroyed') EXECUTE FUNCTION drop_traces_of_cycle();
REVOKE ALL ON FUNCTION drop_traces, drop_traces_of_cycle FROM PUBLIC;

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON mark
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE mark ENABLE ALWAYS TRIGGER no_change;

GRANT EXECUTE ON FUNCTION drop_traces TO xuanshu_app;
GRANT SELECT, INSERT ON traced, trace, mark TO xuanshu_app;
GRANT SELECT, INSERT, UPDATE ON screening TO xuanshu_app;
GRANT SELECT ON traced, mark TO xuanshu_auditor;
