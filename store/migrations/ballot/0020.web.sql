-- The vote intake's own login: it hands papers in, reads what is public, and holds the ballots' keys, sealed.
-- depends: 0010.stuffing

-- The key from which a ballot's voters are known, sealed by a key that is not in this database; NULL once destroyed.
-- Vacuumed after every change: the dead row still holds the sealed key.
CREATE TABLE voter_key (
    ballot text COLLATE "C" PRIMARY KEY REFERENCES ballot,
    sealed bytea
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

-- How often something was tried: `mark` is a keyed hash. A crash may forget it, so it costs no WAL.
CREATE UNLOGGED TABLE tried (
    ballot text COLLATE "C" NOT NULL,
    mark bytea NOT NULL,
    times integer NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (ballot, mark)
);

CREATE FUNCTION voter_key_of(p_ballot text, p_fresh bytea) RETURNS TABLE (sealed bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT kept.sealed FROM voter_key kept WHERE kept.ballot = p_ballot;
    IF NOT FOUND THEN
        INSERT INTO voter_key SELECT id, p_fresh FROM ballot WHERE id = p_ballot ON CONFLICT DO NOTHING;
        RETURN QUERY SELECT kept.sealed FROM voter_key kept WHERE kept.ballot = p_ballot;
    END IF;
END
$$;

CREATE FUNCTION count_try(p_ballot text, p_mark bytea, p_until timestamptz)
RETURNS TABLE (times integer, until timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    INSERT INTO tried (ballot, mark, times, until) VALUES (p_ballot, p_mark, 1, p_until)
    ON CONFLICT (ballot, mark) DO UPDATE SET
        times = CASE WHEN tried.until <= now() THEN 1 ELSE tried.times + 1 END,
        until = CASE WHEN tried.until <= now() THEN excluded.until ELSE tried.until END
    RETURNING tried.times, tried.until
$$;

-- The event and what it says are one transaction, whoever writes it: also when a lost log is restored.
CREATE FUNCTION destroy_voter_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
BEGIN
    INSERT INTO voter_key (ballot, sealed)
    SELECT ballot.id, NULL FROM ballot JOIN ledger.gate USING (id) WHERE 'cycle/' || gate.cycle = new.stream
    ON CONFLICT (ballot) DO UPDATE SET sealed = NULL;
    DELETE FROM tried USING ledger.gate WHERE tried.ballot = gate.id AND 'cycle/' || gate.cycle = new.stream;
    RETURN NULL;
END
$$;
CREATE TRIGGER destroy_voter_keys AFTER INSERT ON ledger.event
FOR EACH ROW WHEN (new.type = 'BallotKeysDestroyed') EXECUTE FUNCTION destroy_voter_keys();

-- What everybody may know of a ballot; `provisional` are the counts that were last published by its programme's times.
CREATE VIEW poll AS
SELECT
    one.id AS ballot,
    convert_from(one.rules, 'UTF8') AS rules,
    coalesce(gate.status, 'closed') AS status,
    gate.opens_at,
    gate.closes_at,
    (
        SELECT convert_from(event.body, 'UTF8')::jsonb -> 'data' ->> 'pace'
        FROM ledger.event
        WHERE event.stream = 'cycle/' || gate.cycle AND event.type = 'CycleOpened'
        ORDER BY event.seq LIMIT 1
    ) AS pace,
    (convert_from(tally.body, 'UTF8')::jsonb ->> 'papers')::bigint AS papers,
    convert_from(tally.body, 'UTF8')::jsonb ->> 'root' AS root,
    (
        SELECT convert_from(event.body, 'UTF8')::jsonb ->> 'data'
        FROM ledger.event
        WHERE event.stream = regexp_replace(one.id, '/[^/]+$', '') AND event.type = 'CountsPublished'
            AND convert_from(event.body, 'UTF8')::jsonb -> 'data' ->> 'step' = substring(one.id FROM '[^/]+$')
        ORDER BY event.seq DESC LIMIT 1
    ) AS provisional,
    EXISTS (SELECT FROM traced WHERE traced.ballot = one.id) AS traced
FROM ballot one
LEFT JOIN ledger.gate ON gate.id = one.id
LEFT JOIN tally ON tally.ballot = one.id;

REVOKE ALL ON FUNCTION voter_key_of, count_try, destroy_voter_keys FROM PUBLIC;
GRANT USAGE ON SCHEMA ballot TO xuanshu_web;
GRANT SELECT ON poll, ballot, sheet, tally, node, page, traced TO xuanshu_web;
GRANT INSERT ON trace TO xuanshu_web;
GRANT EXECUTE ON FUNCTION voter_key_of, count_try, is_announced, open_sheet, cast_papers, held_papers, count_refusals, leaves_from
TO xuanshu_web;
