-- $1 position, $2 hash of the event there
UPDATE views.projected SET position = $1, hash = $2
