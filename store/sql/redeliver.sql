-- $1 ids
UPDATE ledger.outbox SET delivered = false WHERE id = ANY ($1::text[]) AND delivered
