-- $1 cycle; how many nominations and rounds have which status
SELECT 'nomination' AS kind, status, count(*) AS n FROM views.nomination WHERE cycle = $1 GROUP BY status
UNION ALL
SELECT 'round', status, count(*) FROM views.round WHERE cycle = $1 GROUP BY status
ORDER BY kind, status
