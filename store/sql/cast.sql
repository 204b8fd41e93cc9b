-- $1 the paper's bytes
SELECT outcome, facts FROM ballot.cast_paper($1)
