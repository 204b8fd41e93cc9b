-- $1 cycle, $2 name; a message whose id is a command of the stream that it was for has arrived for good
UPDATE ledger.outbox SET delivered = false
WHERE cycle = $1 AND name = $2 AND delivered AND NOT EXISTS (
    SELECT FROM ledger.event WHERE event.stream = outbox.workflow AND event.command_id = outbox.id
)
RETURNING id
