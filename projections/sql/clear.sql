WITH
cycles AS (DELETE FROM views.cycle),
nominations AS (DELETE FROM views.nomination),
rounds AS (DELETE FROM views.round)
UPDATE views.projected SET position = 0, hash = ''
