-- What a time-stamp authority (RFC 3161) said of a checkpoint: a TimeStampResp in DER, one a day from each.
-- depends: 0007.proof

CREATE TABLE timestamp_token (
    day date NOT NULL,
    authority text COLLATE "C" NOT NULL CHECK (authority ~ '^[a-z0-9][a-z0-9.-]*$'),
    size bigint NOT NULL,
    token bytea NOT NULL,
    CONSTRAINT an_authority_stamps_once_a_day PRIMARY KEY (day, authority)
);

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON timestamp_token
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE timestamp_token ENABLE ALWAYS TRIGGER no_change;

-- One row, held by who asks, so that two publishers do not ask at once.
CREATE TABLE timestamping (one boolean PRIMARY KEY DEFAULT true CHECK (one));
INSERT INTO timestamping DEFAULT VALUES;

GRANT SELECT, INSERT ON timestamp_token TO xuanshu_sequencer;
GRANT SELECT ON timestamp_token TO xuanshu_app, xuanshu_auditor;
GRANT SELECT, UPDATE ON timestamping TO xuanshu_sequencer;
