-- $1 size, $2 witness, $3 line
INSERT INTO ledger.cosignature (size, witness, line) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
