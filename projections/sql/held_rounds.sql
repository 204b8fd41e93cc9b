-- $1 cycle
SELECT stream AS round, unit, rank, step, held_code AS code FROM views.round
WHERE cycle = $1 AND status = 'held' ORDER BY stream
