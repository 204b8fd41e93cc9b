-- The trigger refuses every change by its own SQLSTATE; a foreign key would speak before it.
-- depends: 0007.proof

ALTER TABLE cosignature DROP CONSTRAINT cosignature_size_fkey;
