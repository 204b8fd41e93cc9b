SELECT size, root, note FROM ledger.checkpoint ORDER BY size DESC LIMIT 1
