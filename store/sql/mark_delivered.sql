-- $1 ids
UPDATE ledger.outbox SET delivered = true WHERE id = ANY ($1::text[]) AND NOT delivered
