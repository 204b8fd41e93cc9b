SELECT hash, content FROM ledger.document ORDER BY hash
