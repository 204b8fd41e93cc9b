-- The only way into the log: one transaction for many commands, each standing or falling alone.
-- depends: 0002.defence

-- Arrays hold one element a request (p_), a known head that is not the expected one (k_), an event (e_), a gate
-- guard (g_), a head guard (h_); *_request counts from 1. `accepted` answers each request; `refused` says why not,
-- as [{request, reason, ...facts}].
-- Locks are taken in one order by everybody: heads, gates, reservations, each sorted. The caller sees to it that
-- no request of a batch reads or writes what another one of it writes, and sorts the requests by stream.
-- The settings keep plans of the first day, when tables are empty, right on the hundredth; for the same reason
-- events are looked up one by one with LIMIT, where EXISTS could be planned as a hash of the whole log.
-- What a batch has in common is judged at once, and one by one only if something is wrong with it.
CREATE FUNCTION append_batch(
    p_stream text[], p_command text[], p_seq bigint[], p_hash bytea[], p_count integer[], p_known boolean[],
    k_request integer[], k_seq bigint[], k_hash bytea[],
    e_request integer[], e_ordinal integer[], e_stream text[], e_command text[],
    e_type text[], e_body text[], e_prev bytea[], e_hash bytea[],
    g_request integer[], g_gate text[], g_received timestamptz[],
    h_request integer[], h_stream text[], h_seq bigint[],
    p_effects jsonb,
    OUT accepted boolean[], OUT refused jsonb
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
    seqs bigint[];
    hashes bytea[];
    as_expected boolean;
    gates text[] := g_gate;
    item record;
BEGIN
    accepted := array_fill(true, ARRAY[cardinality(p_stream)]);
    refused := '[]';

    -- A stream's first append needs a row to lock, and so does a guard that there is no event yet.
    IF 0 = ANY (p_seq) OR 0 = ANY (h_seq) THEN
        INSERT INTO stream_head (stream, seq, hash)
        SELECT stream, 0, genesis
        FROM (SELECT * FROM unnest(p_stream, p_seq) UNION SELECT * FROM unnest(h_stream, h_seq)) fresh (stream, seq)
        WHERE seq = 0
        ORDER BY stream
        ON CONFLICT DO NOTHING;
    END IF;

    -- Two strengths of lock in one sorted order, if there are two.
    IF cardinality(h_stream) > 0 THEN
        FOR item IN
            SELECT stream, bool_or(mine) AS mine
            FROM (
                SELECT unnest(p_stream) AS stream, true AS mine
                UNION ALL
                SELECT unnest(h_stream), false
            ) wanted
            GROUP BY stream ORDER BY stream
        LOOP
            IF item.mine THEN
                PERFORM FROM stream_head WHERE stream = item.stream FOR NO KEY UPDATE;
            ELSE
                PERFORM FROM stream_head WHERE stream = item.stream FOR SHARE;
            END IF;
        END LOOP;
    END IF;
    SELECT array_agg(seq), array_agg(hash) INTO seqs, hashes
    FROM (
        SELECT seq, hash FROM stream_head WHERE stream = ANY (p_stream) ORDER BY stream FOR NO KEY UPDATE
    ) locked;
    as_expected := seqs = p_seq AND hashes = p_hash;

    FOR item IN
        SELECT r.n
        FROM unnest(p_stream, p_command, p_seq) WITH ORDINALITY r (stream, command, seq, n)
        WHERE (r.seq > 0 OR as_expected IS NOT TRUE) AND (
            SELECT true FROM event WHERE event.stream = r.stream AND event.command_id = r.command LIMIT 1
        )
    LOOP
        accepted[item.n] := false;
        refused := refused || jsonb_build_object('request', item.n, 'reason', 'repeated');
    END LOOP;

    IF cardinality(k_request) > 0 THEN
        FOR item IN
            SELECT k.request
            FROM unnest(k_request, k_seq, k_hash) k (request, seq, hash)
            WHERE accepted[k.request] AND (
                SELECT true FROM event
                WHERE event.stream = p_stream[k.request] AND event.seq = k.seq AND event.hash = k.hash
                LIMIT 1
            ) IS NULL
        LOOP
            accepted[item.request] := false;
            refused := refused || jsonb_build_object('request', item.request, 'reason', 'behind');
        END LOOP;
    END IF;

    IF as_expected IS NOT TRUE THEN
        FOR item IN
            SELECT r.n, CASE
                WHEN r.known AND r.seq > 0 AND (
                    SELECT true FROM event
                    WHERE event.stream = r.stream AND event.seq = r.seq AND event.hash = r.hash
                    LIMIT 1
                ) IS NULL THEN 'behind'
                ELSE 'moved'
            END AS reason
            FROM unnest(p_stream, p_seq, p_hash, p_known) WITH ORDINALITY r (stream, seq, hash, known, n)
            LEFT JOIN stream_head head ON head.stream = r.stream
            WHERE accepted[r.n]
                AND (coalesce(head.seq, 0), coalesce(head.hash, genesis)) IS DISTINCT FROM (r.seq, r.hash)
        LOOP
            accepted[item.n] := false;
            refused := refused || jsonb_build_object('request', item.n, 'reason', item.reason);
        END LOOP;
    END IF;

    IF cardinality(g_gate) > 0 OR p_effects ? 'gates' THEN
        SELECT gates || coalesce(array_agg(DISTINCT 'cycle/' || cycle), '{}') INTO gates
        FROM gate WHERE id = ANY (g_gate);
        IF p_effects ? 'gates' THEN
            -- Closing waits for those who hold the gate open; taken at full strength at once, nobody upgrades.
            gates := gates || ARRAY(SELECT value ->> 'id' FROM jsonb_array_elements(p_effects -> 'gates'));
            PERFORM FROM gate WHERE id = ANY (gates) ORDER BY id FOR UPDATE;
        ELSE
            PERFORM FROM gate WHERE id = ANY (gates) ORDER BY id FOR SHARE;
        END IF;
        PERFORM
        FROM (
            SELECT id, min(received) AS first, max(received) AS last
            FROM unnest(g_gate, g_received) g (id, received)
            GROUP BY id
        ) wanted
        LEFT JOIN gate ON gate.id = wanted.id
        LEFT JOIN gate cycle ON cycle.id = 'cycle/' || gate.cycle
        WHERE gate.status IS DISTINCT FROM 'open' OR cycle.status = 'paused' OR gate.epoch < cycle.epoch
            OR wanted.last >= gate.closes_at OR wanted.first < gate.opens_at;
        IF FOUND THEN
            FOR item IN
                SELECT DISTINCT ON (request) *
                FROM (
                    SELECT g.request, g.n, g.gate, gate.opens_at, gate.closes_at, CASE
                        WHEN gate.id IS NULL OR gate.status = 'closed' THEN 'closed'
                        WHEN cycle.status = 'paused' OR gate.epoch < cycle.epoch THEN 'paused'
                        WHEN gate.status = 'paused' THEN 'round_paused'
                        WHEN g.received >= gate.closes_at THEN 'closed'
                        WHEN g.received < gate.opens_at THEN 'not_open'
                    END AS reason
                    FROM unnest(g_request, g_gate, g_received) WITH ORDINALITY g (request, gate, received, n)
                    LEFT JOIN gate ON gate.id = g.gate
                    LEFT JOIN gate cycle ON cycle.id = 'cycle/' || gate.cycle
                ) judged
                WHERE reason IS NOT NULL AND accepted[request]
                ORDER BY request, n
            LOOP
                accepted[item.request] := false;
                refused := refused || jsonb_build_object(
                    'request', item.request, 'reason', item.reason,
                    'step', item.gate, 'opens_at', item.opens_at, 'closed_at', item.closes_at
                );
            END LOOP;
        END IF;
    END IF;

    IF cardinality(h_stream) > 0 THEN
        FOR item IN
            SELECT DISTINCT ON (h.request) h.request, h.stream
            FROM unnest(h_request, h_stream, h_seq) WITH ORDINALITY h (request, stream, seq, n)
            LEFT JOIN stream_head head ON head.stream = h.stream
            WHERE accepted[h.request] AND coalesce(head.seq, 0) <> h.seq
            ORDER BY h.request, h.n
        LOOP
            accepted[item.request] := false;
            refused := refused || jsonb_build_object('request', item.request, 'reason', 'moved', 'stream', item.stream);
        END LOOP;
    END IF;

    IF p_effects ? 'claim' THEN
        FOR item IN
            SELECT DISTINCT request
            FROM jsonb_to_recordset(p_effects -> 'claim')
                wanted (request integer, cycle text, scope text, number integer, holder text)
            JOIN claim held USING (cycle, scope, number)
            WHERE accepted[request] AND held.holder <> wanted.holder
        LOOP
            accepted[item.request] := false;
            refused := refused || jsonb_build_object('request', item.request, 'reason', 'moved');
        END LOOP;
    END IF;

    IF p_effects ? 'reserve' THEN
        FOR item IN
            SELECT DISTINCT ON (request) request, held.nomination
            FROM jsonb_to_recordset(p_effects -> 'reserve')
                wanted (request integer, n integer, cycle text, subject text, nomination text)
            JOIN reservation held USING (cycle, subject)
            WHERE accepted[request] AND held.nomination <> wanted.nomination
            ORDER BY request, n
        LOOP
            accepted[item.request] := false;
            refused := refused || jsonb_build_object(
                'request', item.request, 'reason', 'reserved', 'existing', item.nomination
            );
        END LOOP;
        INSERT INTO reservation (cycle, subject, nomination, unit, route)
        SELECT cycle, subject, nomination, unit, route
        FROM jsonb_to_recordset(p_effects -> 'reserve')
            wanted (request integer, cycle text, subject text, nomination text, unit text, route text)
        WHERE accepted[request]
        ORDER BY cycle, subject
        ON CONFLICT DO NOTHING;
        -- Somebody reserved between the look and the insert: undo all, the caller tries again and will see them.
        PERFORM
        FROM jsonb_to_recordset(p_effects -> 'reserve')
            wanted (request integer, cycle text, subject text, nomination text)
        JOIN reservation held USING (cycle, subject)
        WHERE accepted[request] AND held.nomination <> wanted.nomination;
        IF FOUND THEN
            RAISE EXCEPTION 'a reservation was taken meanwhile' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    IF p_effects ? 'claim' THEN
        INSERT INTO claim (cycle, scope, number, holder)
        SELECT cycle, scope, number, holder
        FROM jsonb_to_recordset(p_effects -> 'claim')
            wanted (request integer, cycle text, scope text, number integer, holder text)
        WHERE accepted[request]
        ORDER BY cycle, scope, number
        ON CONFLICT DO NOTHING;
        -- As with reservations: somebody claimed between the look and the insert.
        PERFORM
        FROM jsonb_to_recordset(p_effects -> 'claim')
            wanted (request integer, cycle text, scope text, number integer, holder text)
        JOIN claim held USING (cycle, scope, number)
        WHERE accepted[request] AND held.holder <> wanted.holder;
        IF FOUND THEN
            RAISE EXCEPTION 'a place was claimed meanwhile' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    INSERT INTO event (seq, ordinal, stream, command_id, type, body, prev, hash)
    SELECT p_seq[request] + ordinal + 1, ordinal, stream, command, type, convert_to(body, 'UTF8'), prev, hash
    FROM unnest(e_request, e_ordinal, e_stream, e_command, e_type, e_body, e_prev, e_hash)
        e (request, ordinal, stream, command, type, body, prev, hash)
    WHERE accepted[request];

    UPDATE stream_head SET seq = p_seq[request] + p_count[request], hash = e.hash
    FROM unnest(e_request, e_ordinal, e_stream, e_hash) e (request, ordinal, stream, hash)
    WHERE stream_head.stream = e.stream AND e.ordinal + 1 = p_count[request] AND accepted[request];

    IF p_effects ? 'release' THEN
        DELETE FROM reservation
        USING jsonb_to_recordset(p_effects -> 'release') given (request integer, cycle text, subject text)
        WHERE accepted[given.request]
            AND reservation.cycle = given.cycle AND reservation.subject = given.subject;
    END IF;

    IF p_effects ? 'unclaim' THEN
        DELETE FROM claim
        USING jsonb_to_recordset(p_effects -> 'unclaim')
            given (request integer, cycle text, scope text, number integer, holder text)
        WHERE accepted[given.request] AND claim.cycle = given.cycle AND claim.scope = given.scope
            AND claim.number = given.number AND claim.holder = given.holder;
    END IF;

    IF p_effects ? 'gates' THEN
        INSERT INTO gate (id, cycle, status, opens_at, closes_at, epoch)
        SELECT id, cycle, status, opens_at, closes_at, epoch
        FROM jsonb_to_recordset(p_effects -> 'gates') given (
            request integer, id text, cycle text, status text,
            opens_at timestamptz, closes_at timestamptz, epoch integer
        )
        WHERE accepted[request]
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            cycle = excluded.cycle, status = excluded.status,
            opens_at = excluded.opens_at, closes_at = excluded.closes_at, epoch = excluded.epoch;
    END IF;

    IF p_effects ? 'posts' THEN
        INSERT INTO outbox (id, cycle, sender, workflow, name, payload)
        SELECT id, cycle, sender, workflow, name, payload
        FROM jsonb_to_recordset(p_effects -> 'posts') given (
            request integer, n integer, id text, cycle text, sender text, workflow text, name text, payload jsonb
        )
        WHERE accepted[request]
        ORDER BY request, n
        ON CONFLICT (id) DO NOTHING;
    END IF;
END
$$;
