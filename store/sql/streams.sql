-- $1 prefix; a range, which a plan made without the prefix can look up: nothing follows U+10FFFF
SELECT stream FROM ledger.stream_head
WHERE stream >= $1 AND stream < $1 || U&'\+10FFFF' AND seq > 0
ORDER BY stream
