-- $1 first idx, $2 streams, $3 seqs
INSERT INTO ledger.leaf (idx, stream, seq)
SELECT $1 + n - 1, stream, seq
FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS given (stream, seq, n)
