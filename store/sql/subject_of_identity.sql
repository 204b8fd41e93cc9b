-- $1 identity's HMAC; held, so that an erasure comes before or after the whole deposit
SELECT subject_id, wrapped_key FROM vault.subject WHERE identity = $1 FOR SHARE
