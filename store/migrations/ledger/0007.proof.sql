-- What the log's key signed: a root over the first `size` leaves, and who else saw the same.
-- depends: 0006.titles

CREATE TABLE checkpoint (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL
);

-- A witness's line below the note of that checkpoint.
CREATE TABLE cosignature (
    size bigint NOT NULL REFERENCES checkpoint,
    witness text COLLATE "C" NOT NULL,
    line text NOT NULL,
    CONSTRAINT a_witness_signs_a_checkpoint_once PRIMARY KEY (size, witness)
);

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON cosignature
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE cosignature ENABLE ALWAYS TRIGGER no_change;

GRANT SELECT, INSERT ON checkpoint, cosignature TO xuanshu_sequencer;
GRANT SELECT ON checkpoint, cosignature TO xuanshu_app, xuanshu_auditor;
