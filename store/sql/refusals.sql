-- $1 ballot
SELECT coalesce(sum(n), 0)::bigint FROM ballot.refusal WHERE ballot = $1
