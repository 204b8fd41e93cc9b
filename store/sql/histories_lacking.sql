-- $1 workflows, $2 runs: those of them that are not kept
SELECT asked.workflow, asked.run
FROM unnest($1::text [], $2::text []) AS asked (workflow, run)
LEFT JOIN ledger.history AS kept ON kept.workflow = asked.workflow AND kept.run = asked.run
WHERE kept.run IS NULL
