-- What was known of the papers' senders is forgotten; how many papers that were.
SELECT ballot.drop_traces($1)
