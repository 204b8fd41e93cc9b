-- The batches of a ballot in the order of their first papers; two may overlap in time.
SELECT first_ms, body, takers FROM ballot.trace WHERE ballot = $1 ORDER BY first_ms, n
