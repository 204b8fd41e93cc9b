-- One screening of a ballot at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('screening/' || $1, 0))
