-- $1 cycle; what happened to nominations at each unit: a nomination was received by every unit that it has reached
SELECT 'received' AS what, place.unit, count(*) AS n
FROM views.nomination, unnest(path[1:level + 1]) AS place (unit) WHERE cycle = $1 GROUP BY place.unit
UNION ALL
SELECT 'returned', place.unit, count(*)
FROM views.nomination, unnest(returned) AS place (unit) WHERE cycle = $1 GROUP BY place.unit
UNION ALL
SELECT status, stands_at, count(*)
FROM views.nomination WHERE cycle = $1 AND status NOT IN ('open', 'returned', 'recommended') GROUP BY status, stands_at
