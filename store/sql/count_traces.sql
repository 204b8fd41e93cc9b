-- How many papers of a ballot have a trace.
SELECT coalesce(sum(papers), 0)::bigint FROM ballot.trace WHERE ballot = $1
