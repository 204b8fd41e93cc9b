-- The common case of an append by a shorter way: every head is as expected and every gate is open.
-- depends: 0004.privileges

-- Arguments, answer and order of locks are `append_batch`'s. Whatever is not the common case undoes itself and is
-- left to `append_batch`: a head that moved, a gate that is not open, a command that is written already.
-- Where every request has one event, what follows from the request is left out: `e_request`, `e_ordinal`, `e_stream`,
-- `e_command`, `e_prev` are empty. How to plan is set once a connection, by `lookups.sql`, and not for each call.
CREATE OR REPLACE FUNCTION append_as_expected(
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
AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
    one_each CONSTANT boolean := cardinality(e_stream) = 0 AND cardinality(e_hash) > 0;
    last_hash bytea[] := e_hash;
    as_expected bigint;
BEGIN
    IF p_effects IS NULL AND cardinality(h_stream) = 0 AND cardinality(k_request) = 0 THEN
        BEGIN
            IF 0 = ANY (p_seq) THEN
                INSERT INTO stream_head (stream, seq, hash)
                SELECT stream, 0, genesis FROM unnest(p_stream, p_seq) fresh (stream, seq)
                WHERE seq = 0
                ORDER BY stream
                ON CONFLICT DO NOTHING;
            END IF;
            IF cardinality(e_hash) <> cardinality(p_stream) THEN
                last_hash := ARRAY(
                    SELECT hash FROM unnest(e_request, e_ordinal, e_hash) e (request, ordinal, hash)
                    WHERE ordinal + 1 = p_count[request]
                    ORDER BY request
                );
            END IF;
            UPDATE stream_head SET seq = r.seq + r.count, hash = r.last_hash
            FROM unnest(p_stream, p_seq, p_hash, p_count, last_hash) r (stream, seq, hash, count, last_hash)
            WHERE stream_head.stream = r.stream AND stream_head.seq = r.seq AND stream_head.hash = r.hash;
            GET DIAGNOSTICS as_expected = ROW_COUNT;
            IF as_expected <> cardinality(p_stream) OR cardinality(last_hash) <> cardinality(p_stream) THEN
                RAISE EXCEPTION 'a head moved' USING ERRCODE = 'XU001';
            END IF;

            IF cardinality(g_gate) > 0 THEN
                PERFORM FROM gate
                WHERE id IN (
                    SELECT unnest(g_gate) UNION SELECT 'cycle/' || cycle FROM gate WHERE id = ANY (g_gate)
                )
                ORDER BY id FOR SHARE;
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
                    RAISE EXCEPTION 'a gate is not open' USING ERRCODE = 'XU001';
                END IF;
            END IF;

            IF one_each THEN
                INSERT INTO event (seq, ordinal, stream, command_id, type, body, prev, hash)
                SELECT seq + 1, 0, stream, command, type, convert_to(body, 'UTF8'), prev, hash
                FROM unnest(p_seq, p_stream, p_command, e_type, e_body, p_hash, e_hash)
                    e (seq, stream, command, type, body, prev, hash);
            ELSE
                INSERT INTO event (seq, ordinal, stream, command_id, type, body, prev, hash)
                SELECT p_seq[request] + ordinal + 1, ordinal, stream, command, type, convert_to(body, 'UTF8'), prev, hash
                FROM unnest(e_request, e_ordinal, e_stream, e_command, e_type, e_body, e_prev, e_hash)
                    e (request, ordinal, stream, command, type, body, prev, hash);
            END IF;
            accepted := array_fill(true, ARRAY[cardinality(p_stream)]);
            refused := '[]';
            RETURN;
        EXCEPTION WHEN unique_violation OR SQLSTATE 'XU001' THEN
            NULL;
        END;
    END IF;
    IF one_each THEN
        e_request := ARRAY(SELECT generate_series(1, cardinality(p_stream)));
        e_ordinal := array_fill(0, ARRAY[cardinality(p_stream)]);
        e_stream := p_stream;
        e_command := p_command;
        e_prev := p_hash;
    END IF;
    SELECT batch.accepted, batch.refused INTO accepted, refused
    FROM append_batch(
        p_stream, p_command, p_seq, p_hash, p_count, p_known, k_request, k_seq, k_hash,
        e_request, e_ordinal, e_stream, e_command, e_type, e_body, e_prev, e_hash,
        g_request, g_gate, g_received, h_request, h_stream, h_seq, p_effects
    ) batch;
END
$$;
REVOKE ALL ON FUNCTION append_as_expected FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_as_expected TO xuanshu_app;
