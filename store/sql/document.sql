-- $1 hash
SELECT content FROM ledger.document WHERE hash = $1
