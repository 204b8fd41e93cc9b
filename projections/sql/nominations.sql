-- $1 cycle, $2 units where they stand, $3 status, $4 route (each null for any), $5 after this id, $6 limit
SELECT nomination, subject, unit, route, status, level, stands_at, round, revision, titles, last_seq
FROM views.nomination
WHERE cycle = $1 AND nomination > $5
    AND ($2::text[] IS NULL OR stands_at = ANY ($2))
    AND ($3::text IS NULL OR status = $3)
    AND ($4::text IS NULL OR route = $4)
ORDER BY nomination LIMIT $6
