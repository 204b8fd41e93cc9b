-- $1 ballot
SELECT ballot.hold_gate($1)
