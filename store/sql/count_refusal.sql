-- $1 ballot, $2 why; nothing for a ballot that there is not
INSERT INTO ballot.refusal (ballot, code, n) SELECT id, $2, 1 FROM ballot.ballot WHERE id = $1
ON CONFLICT (ballot, code) DO UPDATE SET n = refusal.n + 1
