-- Casting, and looking at a gate so that nothing slips past it; both hold gate rows that the app may not write.
-- depends: 0001.ballot

-- `p_body` is the paper: {ballot, channel, choices, paper, received, voter}. `outcome` is ACCEPTED, KNOWN (there is
-- a paper of that id) or why it is refused, with `facts` for the sentence. The paper's row is written last: where two
-- with one id get that far, the second fails on the key and leaves nothing.
CREATE FUNCTION cast_paper(p_body bytea, OUT outcome text, OUT facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
DECLARE
    given jsonb := convert_from(p_body, 'UTF8')::jsonb;
    p_ballot text := given ->> 'ballot';
    p_paper text := given ->> 'paper';
    p_voter text := given ->> 'voter';
    p_received timestamptz := given ->> 'received';
    p_choices text[] := ARRAY(
        SELECT value FROM jsonb_array_elements_text(given -> 'choices') WITH ORDINALITY ORDER BY ordinality
    );
    p_day date := (p_received AT TIME ZONE 'Asia/Shanghai')::date;
    rules ballot.ballot;
    held text[];
BEGIN
    SELECT * INTO rules FROM ballot WHERE id = p_ballot;
    IF NOT FOUND THEN
        outcome := 'NOT_FOUND';
        RETURN;
    END IF;
    facts := jsonb_build_object(
        'per_day', rules.per_day, 'per_candidate', rules.per_candidate,
        'minimum', rules.choices_min, 'maximum', rules.choices_max
    );
    IF EXISTS (SELECT FROM paper WHERE ballot = p_ballot AND id = p_paper) THEN
        outcome := 'KNOWN';
        RETURN;
    END IF;

    -- Closing waits for those who hold the gate open, and whoever comes later reads it closed.
    PERFORM FROM ledger.gate
    WHERE id IN (p_ballot, (SELECT 'cycle/' || cycle FROM ledger.gate WHERE id = p_ballot))
    ORDER BY id FOR SHARE;
    SELECT CASE
        WHEN gate.id IS NULL OR gate.status = 'closed' OR p_received >= gate.closes_at
            OR EXISTS (SELECT FROM tally WHERE ballot = p_ballot) THEN 'BALLOT_CLOSED'
        WHEN coalesce(cycle.status, 'closed') = 'closed' THEN 'CYCLE_NOT_OPEN'
        WHEN gate.status <> 'open' OR cycle.status <> 'open' OR gate.epoch < cycle.epoch THEN 'CYCLE_PAUSED'
        WHEN p_received < gate.opens_at THEN 'STAGE_NOT_OPEN'
    END, facts || jsonb_build_object('status', coalesce(cycle.status, 'none'), 'opens_at', gate.opens_at)
    INTO outcome, facts
    FROM (SELECT) one
    LEFT JOIN ledger.gate ON gate.id = p_ballot
    LEFT JOIN ledger.gate cycle ON cycle.id = 'cycle/' || gate.cycle;

    outcome := coalesce(outcome, CASE
        WHEN cardinality(p_choices) < rules.choices_min THEN 'TOO_FEW_CHOICES'
        WHEN cardinality(p_choices) > rules.choices_max THEN 'TOO_MANY_CHOICES'
        WHEN NOT p_choices <@ rules.candidates THEN 'NOT_A_CANDIDATE'
        WHEN most_repeated(p_choices) > 1 THEN 'DUPLICATE_CHOICE'
        WHEN cardinality(p_choices) > rules.per_day THEN 'LIMIT_REACHED'
    END);
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;

    INSERT INTO voter_day (ballot, voter, day, per_day, per_candidate, choices)
    VALUES (p_ballot, p_voter, p_day, rules.per_day, rules.per_candidate, p_choices)
    ON CONFLICT ON CONSTRAINT voter_day_pkey DO UPDATE SET choices = voter_day.choices || excluded.choices
    WHERE cardinality(voter_day.choices || excluded.choices) <= voter_day.per_day
        AND most_repeated(voter_day.choices || excluded.choices) <= voter_day.per_candidate;
    IF NOT FOUND THEN
        SELECT choices INTO held FROM voter_day WHERE ballot = p_ballot AND voter = p_voter AND day = p_day;
        outcome := CASE
            WHEN most_repeated(held || p_choices) > rules.per_candidate THEN 'ALREADY_VOTED'
            ELSE 'LIMIT_REACHED'
        END;
        RETURN;
    END IF;
    INSERT INTO paper (ballot, id, body) VALUES (p_ballot, p_paper, p_body);
    outcome := 'ACCEPTED';
END
$$;

-- The ballot's gate, held until the caller's transaction ends; NULL if it has none.
CREATE FUNCTION hold_gate(p_ballot text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    SELECT status FROM ledger.gate WHERE id = p_ballot FOR SHARE
$$;
