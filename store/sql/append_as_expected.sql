-- $1-$6 requests, $7-$9 known heads, $10-$17 events, $18-$20 gate guards, $21-$23 head guards, $24 effects: see the
-- function. Each array comes as one text, bodies as one run of bytes, which costs the client a tenth of what an array
-- does: names and bodies joined by U+001F (no JSON text holds one unescaped), the others as array literals.
SELECT accepted, refused
FROM ledger.append_as_expected(
    string_to_array($1, e'\x1f'), string_to_array($2, e'\x1f'),
    $3::text::bigint[], $4::text::bytea[], $5::text::integer[], $6::text::boolean[],
    $7::text::integer[], $8::text::bigint[], $9::text::bytea[],
    $10::text::integer[], $11::text::integer[], string_to_array($12, e'\x1f'), string_to_array($13, e'\x1f'),
    string_to_array($14, e'\x1f'), string_to_array(convert_from($15, 'UTF8'), e'\x1f'),
    $16::text::bytea[], $17::text::bytea[],
    $18::text::integer[], string_to_array($19, e'\x1f'), $20::text::timestamptz[],
    $21::text::integer[], string_to_array($22, e'\x1f'), $23::text::bigint[],
    $24
)
