-- $1 streams; null for all
SELECT to_jsonb(seen) FROM views.nomination AS seen WHERE $1::text[] IS NULL OR stream = ANY ($1)
