-- What the log's key signed: a root over the first `size` leaves, and who else saw the same.
-- depends: 0004.privileges

CREATE TABLE checkpoint (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL
);

-- A witness's line below the note of that checkpoint. A witness may have two keys (Ed25519 and ML-DSA-44), and signs a
-- checkpoint once with each: the id opens the base64. The trigger refuses every change by its own SQLSTATE; a foreign key
-- would speak before it.
CREATE TABLE cosignature (
    size bigint NOT NULL,
    witness text COLLATE "C" NOT NULL,
    line text NOT NULL,
    key_id bytea NOT NULL
        GENERATED ALWAYS AS (substring(decode(split_part(line, ' ', 3), 'base64') FOR 4)) STORED,
    CONSTRAINT a_key_signs_a_checkpoint_once PRIMARY KEY (size, witness, key_id)
);

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON cosignature
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE cosignature ENABLE ALWAYS TRIGGER no_change;

GRANT SELECT, INSERT ON checkpoint, cosignature TO xuanshu_sequencer;
GRANT SELECT ON checkpoint, cosignature TO xuanshu_app, xuanshu_auditor;
