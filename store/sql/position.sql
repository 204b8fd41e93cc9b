-- $1 stream, $2 seq
SELECT idx + 1 FROM ledger.leaf WHERE stream = $1 AND seq = $2
