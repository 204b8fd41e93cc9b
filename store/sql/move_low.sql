-- $1 low, $2 candidate, $3 horizon
UPDATE ledger.sequencer SET low = $1, candidate = $2, horizon = $3
