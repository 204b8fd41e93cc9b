-- $1 sheet; rows that are marked alike are counted together before they are taken apart. The mark of a row is its choices,
-- or, where they are of several papers, 255 (no choice begins so), how many seams, the seams, and the choices.
WITH alike AS (
    SELECT
        CASE
            WHEN octet_length(papers) = 18 THEN choices
            ELSE '\xff' || set_byte('\x00', 0, octet_length(papers) / 19) || ballot.seams(papers) || choices
        END AS mark,
        count(*) AS n
    FROM ballot.voter_day
    WHERE sheet = $1
    GROUP BY 1
),
apart AS (
    SELECT
        n,
        CASE get_byte(mark, 0) WHEN 255 THEN substr(mark, 3, get_byte(mark, 1)) ELSE '' END AS seams,
        CASE get_byte(mark, 0) WHEN 255 THEN substr(mark, 3 + get_byte(mark, 1)) ELSE mark END AS choices
    FROM alike
)
SELECT
    get_byte(choices, at) / 8 AS channel,
    get_byte(choices, at) % 8 * 256 + get_byte(choices, at + 1) AS candidate,
    sum(n)::bigint AS votes,
    coalesce(sum(n) FILTER (WHERE at = 0 OR position(set_byte('\x00', 0, at / 2) IN seams) > 0), 0)::bigint AS papers
FROM apart, generate_series(0, octet_length(choices) - 2, 2) AS at
GROUP BY 1, 2
