-- $1 ballot's number, $2 levels, $3 numbers
SELECT level, n, hash FROM ballot.node WHERE ballot = $1 AND (level, n) IN (SELECT * FROM unnest($2::smallint[], $3::integer[]))
