-- As cast_papers, and the traces of those taken are kept in the same breath: $7 milliseconds of the first, $8 how many
-- papers there are, $9 their traces
WITH given AS MATERIALIZED (SELECT outcome, facts, takers FROM ballot.cast_papers($1, $2, $3, $4, $5, $6)),
kept AS (
    INSERT INTO ballot.trace (ballot, first_ms, papers, body, takers)
    SELECT $1, $7, CASE outcome WHEN 'FRESH' THEN $8 ELSE octet_length(takers) / 17 END, $9, takers
    FROM given WHERE outcome = 'FRESH' OR octet_length(takers) > 0
)
SELECT outcome, facts, takers FROM given
