-- Temporal's histories of closed workflows, kept after its retention has ended; payloads are sealed as they were.
-- depends: 0004.privileges

CREATE TABLE history (
    workflow text COLLATE "C" NOT NULL CHECK (workflow <> ''),
    run text COLLATE "C" NOT NULL,
    cycle text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    closed_at timestamptz NOT NULL,
    events integer NOT NULL CHECK (events > 0),
    packed bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT run_is_kept_once PRIMARY KEY (workflow, run),
    CONSTRAINT hash_is_of_what_is_packed CHECK (hash = sha256(packed))
);
CREATE INDEX history_by_cycle ON history (cycle, workflow, run);

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE history ENABLE ALWAYS TRIGGER no_change;

GRANT SELECT, INSERT ON history TO xuanshu_app;
GRANT SELECT ON history TO xuanshu_auditor;
