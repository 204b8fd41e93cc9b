-- $1 subjects. A title's stream is below its nomination's name, and '0' follows '/' in byte order.
SELECT r.subject, h.stream
FROM ledger.reservation AS r
INNER JOIN ledger.stream_head AS h
    ON
        h.stream > 'title/' || r.cycle || '/' || r.nomination || '/'
        AND h.stream < 'title/' || r.cycle || '/' || r.nomination || '0'
        AND h.seq > 0
WHERE r.subject = ANY($1::text[])
ORDER BY r.subject, h.stream
