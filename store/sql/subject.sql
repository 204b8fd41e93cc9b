-- $1 subject id; held, so that an erasure comes before or after the whole deposit
SELECT subject_id, wrapped_key FROM vault.subject WHERE subject_id = $1 FOR SHARE
