-- $1 ballot; every day of its window, as far as that is known
SELECT ballot.open_sheet($1, day::date)
FROM
    ledger.gate,
    generate_series(
        date_trunc('day', opens_at AT TIME ZONE 'Asia/Shanghai'),
        coalesce(closes_at, opens_at) AT TIME ZONE 'Asia/Shanghai',
        interval '1 day'
    ) AS day
WHERE gate.id = $1
