-- $1 ballot; its gate's status, the count of this ballot being one's own until the transaction ends
SELECT ballot.hold_seal($1)
