-- $1 sheets; rows that are marked alike are counted together before they are taken apart
WITH alike AS (
    SELECT choices, CASE WHEN octet_length(papers) = 18 THEN '' ELSE ballot.seams(papers) END AS seams, count(*) AS n
    FROM ballot.voter_day
    WHERE sheet = ANY($1)
    GROUP BY 1, 2
)
SELECT
    get_byte(choices, at) / 8 AS channel,
    get_byte(choices, at) % 8 * 256 + get_byte(choices, at + 1) AS candidate,
    sum(n)::bigint AS votes,
    coalesce(sum(n) FILTER (WHERE at = 0 OR position(set_byte('\x00', 0, at / 2) IN seams) > 0), 0)::bigint AS papers
FROM alike, generate_series(0, octet_length(choices) - 2, 2) AS at
GROUP BY 1, 2
