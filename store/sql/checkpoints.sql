-- $1 above this size, $2 up to this one
SELECT size, root, note, ARRAY(
    SELECT line FROM ledger.cosignature WHERE cosignature.size = checkpoint.size ORDER BY witness, key_id
) AS lines
FROM ledger.checkpoint
WHERE size > $1 AND size <= $2
ORDER BY size
