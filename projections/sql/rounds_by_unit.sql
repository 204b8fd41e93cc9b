-- $1 cycle; one row a unit's round
SELECT unit, status, cardinality(reported) AS recommended FROM views.round WHERE cycle = $1
