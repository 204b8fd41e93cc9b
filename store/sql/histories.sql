-- $1 cycle, or '' for all; after the run $2, $3; at most $4, in the order of workflow and run
SELECT workflow, run, cycle, kind, status, closed_at, events, packed, hash
FROM ledger.history
WHERE ($1 = '' OR cycle = $1) AND (workflow, run) > ($2, $3)
ORDER BY workflow, run
LIMIT $4
