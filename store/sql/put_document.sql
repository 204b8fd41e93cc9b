-- $1 hash, $2 kind, $3 content
INSERT INTO ledger.document (hash, kind, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
