-- A witness may have two keys (Ed25519 and ML-DSA-44), and signs a checkpoint once with each: the id opens the base64.
-- depends: 0010.cosignature

ALTER TABLE cosignature ADD COLUMN key_id bytea NOT NULL
    GENERATED ALWAYS AS (substring(decode(split_part(line, ' ', 3), 'base64') FOR 4)) STORED;
ALTER TABLE cosignature DROP CONSTRAINT a_witness_signs_a_checkpoint_once;
ALTER TABLE cosignature ADD CONSTRAINT a_key_signs_a_checkpoint_once PRIMARY KEY (size, witness, key_id);
