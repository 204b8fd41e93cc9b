-- $1 ballot; in the order of the tree
SELECT no, day FROM ballot.sheet WHERE ballot = $1 ORDER BY day
