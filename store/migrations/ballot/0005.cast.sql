-- Opening a ballot and its days, casting a batch of papers, and looking a voter's papers up.
-- depends: 0004.papers

-- Make the partition `p_name` of `p_parent`, of rows that only grow: none goes, and none loses what it has.
CREATE FUNCTION make_partition(p_parent text, p_name text, p_value integer, p_checks text, p_unchanged text)
RETURNS void
LANGUAGE plpgsql SET search_path = ballot, pg_temp AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE %I (LIKE %I, PRIMARY KEY (voter) WITH (fillfactor = 100), %s)', p_name, p_parent, p_checks
    );
    EXECUTE format(
        'CREATE TRIGGER only_more BEFORE UPDATE ON %I FOR EACH ROW WHEN (NOT (%s)) EXECUTE FUNCTION ledger.refuse_change()',
        p_name, p_unchanged
    );
    EXECUTE format(
        'CREATE TRIGGER no_change BEFORE DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()',
        p_name
    );
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER only_more, ENABLE ALWAYS TRIGGER no_change', p_name);
    EXECUTE format('GRANT SELECT ON %I TO xuanshu_app, xuanshu_auditor', p_name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', p_parent, p_name, p_value);
END
$$;

-- What a check asks of `choices`, spelt out for up to five of them: a call a row would cost as much as the row. No more of
-- it than the day allows, as Postgres reads the whole check again for each batch.
CREATE FUNCTION candidate_at(p_place integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT format('(get_byte(choices, %s) %% 8 * 256 + get_byte(choices, %s))', 2 * p_place, 2 * p_place + 1)
$$;
CREATE FUNCTION choices_exist_check(p_candidates integer, p_channels integer, p_per_day integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'CASE octet_length(choices) %s ELSE choices_exist(choices, %s, %s) END',
        string_agg(format('WHEN %s THEN %s', 2 * n, one.each), ' ' ORDER BY n), p_candidates, p_channels
    )
    FROM generate_series(1, least(5, p_per_day)) n, LATERAL (
        SELECT string_agg(
            format('%s < %s AND get_byte(choices, %s) / 8 < %s', candidate_at(at), p_candidates, 2 * at, p_channels), ' AND '
        ) AS each
        FROM generate_series(0, n - 1) at
    ) one
$$;
CREATE FUNCTION candidates_check(p_per_candidate integer, p_per_day integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'CASE WHEN octet_length(choices) <= 2 * %s THEN true %s ELSE most_repeated(choices) <= %1$s END',
        p_per_candidate, CASE WHEN p_per_candidate = 1 THEN string_agg(
            format('WHEN octet_length(choices) = %s THEN %s', 2 * n, one.each), ' ' ORDER BY n
        ) END
    )
    FROM generate_series(2, least(5, p_per_day)) n, LATERAL (
        SELECT string_agg(candidate_at(at) || ' <> ' || candidate_at(before), ' AND ') AS each
        FROM generate_series(1, n - 1) at, generate_series(0, at - 1) before
    ) one
$$;

-- The first opening stays; a ballot with a limit in total gets the partition that holds it.
CREATE FUNCTION open_ballot(
    p_id text, p_rules bytea, p_candidates text[], p_channels text[], p_choices_min integer, p_choices_max integer,
    p_per_day integer, p_per_candidate integer, p_in_total integer, p_candidate_in_total integer, p_repeats boolean
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    INSERT INTO ballot (
        id, rules, candidates, channels, choices_min, choices_max, per_day, per_candidate, in_total,
        candidate_in_total, repeats
    ) VALUES (
        p_id, p_rules, p_candidates, p_channels, p_choices_min, p_choices_max, p_per_day, p_per_candidate, p_in_total,
        p_candidate_in_total, p_repeats
    ) ON CONFLICT (id) DO NOTHING RETURNING no INTO number;
    IF number IS NOT NULL AND coalesce(p_in_total, p_candidate_in_total) IS NOT NULL THEN
        PERFORM make_partition(
            'voter_total', 'voter_total_' || number, number,
            format(
                'CONSTRAINT within_the_total CHECK (octet_length(choices) <= 2 * %s),
                CONSTRAINT within_the_candidates_total CHECK (octet_length(choices) <= 2 * %s OR most_repeated(choices) <= %2$s)',
                coalesce(p_in_total, 65535), coalesce(p_candidate_in_total, 65535)
            ),
            'NEW.voter = OLD.voter AND NEW.ballot = OLD.ballot
            AND substr(NEW.choices, 1, octet_length(OLD.choices)) = OLD.choices'
        );
    END IF;
END
$$;

-- Whether the log says that the ballot opened: its rules come into the box a moment after the event.
CREATE FUNCTION is_announced(p_ballot text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM ledger.event
        WHERE stream = regexp_replace(p_ballot, '/[^/]+$', '') AND type = 'BallotOpened'
            AND convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'ballot' = p_ballot
    )
$$;

-- The sheet of a day within the ballot's window, made if there is none; NULL outside the window.
CREATE FUNCTION open_sheet(p_ballot text, p_day date) RETURNS smallint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
DECLARE
    rules ballot.ballot;
    number smallint;
BEGIN
    SELECT * INTO rules FROM ballot WHERE id = p_ballot;
    SELECT no INTO number FROM sheet WHERE ballot = p_ballot AND day = p_day;
    IF number IS NOT NULL OR rules.id IS NULL OR NOT EXISTS (
        SELECT FROM ledger.gate
        WHERE id = p_ballot AND p_day >= (opens_at AT TIME ZONE 'Asia/Shanghai')::date
            AND (closes_at IS NULL OR p_day::timestamp AT TIME ZONE 'Asia/Shanghai' < closes_at)
    ) THEN
        RETURN number;
    END IF;
    INSERT INTO sheet (ballot, day) VALUES (p_ballot, p_day)
    ON CONFLICT (ballot, day) DO NOTHING RETURNING no INTO number;
    IF number IS NULL THEN -- somebody else has just made it
        RETURN (SELECT no FROM sheet WHERE ballot = p_ballot AND day = p_day);
    END IF;
    PERFORM make_partition(
        'voter_day', 'voter_day_' || number, number,
        format(
            'CONSTRAINT papers_are_whole CHECK (octet_length(papers) %% 19 = 18),
            CONSTRAINT within_the_day CHECK (octet_length(choices) BETWEEN 2 AND 2 * %1$s),
            CONSTRAINT within_the_candidate CHECK (%2$s),
            CONSTRAINT choices_exist CHECK (%3$s)',
            rules.per_day, candidates_check(rules.per_candidate, rules.per_day),
            choices_exist_check(cardinality(rules.candidates), cardinality(rules.channels), rules.per_day)
        ),
        'NEW.voter = OLD.voter AND NEW.sheet = OLD.sheet
        AND substr(NEW.papers, 1, octet_length(OLD.papers)) = OLD.papers
        AND substr(NEW.choices, 1, octet_length(OLD.choices)) = OLD.choices'
    );
    RETURN number;
END
$$;

-- Whether the ballot takes papers received from `p_first` to `p_last`; its gates are held until the transaction ends.
-- `outcome` is NULL if it does; WINDOW: the batch reaches over the window, whose ends are in `facts`.
CREATE FUNCTION hold_open(p_ballot text, p_first timestamptz, p_last timestamptz, OUT outcome text, OUT facts jsonb)
LANGUAGE plpgsql SET search_path = ballot, pg_temp AS $$
DECLARE
    own ledger.gate;
    cycle ledger.gate;
BEGIN
    -- Closing waits for those who hold the gate open, and whoever comes later reads it closed.
    PERFORM FROM ledger.gate
    WHERE id IN (p_ballot, (SELECT 'cycle/' || gate.cycle FROM ledger.gate WHERE id = p_ballot))
    ORDER BY id FOR SHARE;
    SELECT * INTO own FROM ledger.gate WHERE id = p_ballot;
    SELECT * INTO cycle FROM ledger.gate WHERE id = 'cycle/' || own.cycle;
    outcome := CASE
        WHEN own.id IS NULL OR own.status = 'closed' OR EXISTS (SELECT FROM tally WHERE ballot = p_ballot)
            THEN 'BALLOT_CLOSED'
        WHEN coalesce(cycle.status, 'closed') = 'closed' THEN 'CYCLE_NOT_OPEN'
        -- Whatever stands still gets its days back, also past its end.
        WHEN cycle.status <> 'open' OR own.epoch < cycle.epoch THEN 'CYCLE_PAUSED'
        WHEN own.status <> 'open' THEN 'BALLOT_PAUSED'
        WHEN p_first >= own.closes_at THEN 'BALLOT_CLOSED'
        WHEN p_last < own.opens_at THEN 'STAGE_NOT_OPEN'
        WHEN p_first < own.opens_at OR p_last >= own.closes_at THEN 'WINDOW'
    END;
    facts := jsonb_build_object(
        'status', coalesce(cycle.status, 'none'), 'opens_at', own.opens_at, 'closes_at', own.closes_at
    );
END
$$;

-- The papers of a batch: records of `p_stride` bytes, each voter (16), paper (18), number of choices (1), choices.
CREATE FUNCTION given_papers(p_batch bytea, p_stride integer)
RETURNS TABLE (voter uuid, paper bytea, choices bytea)
LANGUAGE sql IMMUTABLE ROWS 2000 AS $$
    SELECT
        encode(substr(p_batch, at, 16), 'hex')::uuid,
        substr(p_batch, at + 16, 18),
        substr(p_batch, at + 35, 2 * get_byte(p_batch, at + 33))
    FROM generate_series(1, octet_length(p_batch), p_stride) at
$$;

-- Take a batch of papers of one ballot and day, at most one a voter, in ascending order of voters. `outcome` says why none
-- could be looked at (as `hold_open`), or FRESH: all were taken, each the voter's first of the day, or JUDGED: those in
-- `takers` were taken, voter (16) and number of the day (1) one after the other. `p_hopeful`: all are likely to be fresh,
-- and so they are put in as if they were; if one is not, that undoes itself.
CREATE FUNCTION cast_papers(
    p_ballot text, p_sheet smallint, p_first timestamptz, p_last timestamptz, p_batch bytea,
    p_hopeful boolean, OUT outcome text, OUT facts jsonb, OUT takers bytea
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
DECLARE
    rules ballot.ballot;
    stride integer;
    in_total boolean;
    fresh boolean;
    given text;
    taken bigint;
BEGIN
    SELECT held.outcome, held.facts INTO outcome, facts FROM hold_open(p_ballot, p_first, p_last) held;
    SELECT ballot.* INTO rules FROM ballot JOIN sheet ON sheet.ballot = ballot.id
    WHERE ballot.id = p_ballot AND sheet.no = p_sheet;
    outcome := coalesce(outcome, CASE WHEN rules.id IS NULL THEN 'NO_SHEET' END);
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    stride := 35 + 2 * rules.choices_max;
    in_total := coalesce(rules.in_total, rules.candidate_in_total) IS NOT NULL;
    IF in_total THEN
        p_batch := hold_totals(rules, p_batch, stride);
    END IF;
    given := format(
        'INSERT INTO %I AS kept (voter, sheet, papers, choices)
        SELECT voter, %s, paper, choices FROM given_papers($1, $2) given
        WHERE octet_length(choices) BETWEEN %s AND %s %s',
        'voter_day_' || p_sheet, p_sheet, 2 * rules.choices_min, 2 * rules.choices_max,
        CASE WHEN rules.per_candidate > 1 AND NOT rules.repeats THEN 'AND most_repeated(choices) = 1' END
    );
    IF p_hopeful AND NOT in_total THEN
        BEGIN
            EXECUTE given USING p_batch, stride;
            GET DIAGNOSTICS taken = ROW_COUNT;
            IF taken * stride = octet_length(p_batch) THEN
                outcome := 'FRESH';
                RETURN;
            END IF;
            RAISE unique_violation;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
    EXECUTE format(
        'WITH taken AS (
            %s
            ON CONFLICT (voter) DO UPDATE SET
                papers = kept.papers || set_byte(''\x00'', 0, octet_length(kept.choices) / 2) || excluded.papers,
                choices = kept.choices || excluded.choices
            WHERE octet_length(kept.choices) + octet_length(excluded.choices) <= 2 * $3
                AND (octet_length(kept.choices) + octet_length(excluded.choices) <= 2 * $4
                    OR most_repeated(kept.choices || excluded.choices) <= $4)
                AND position(substr(excluded.papers, 1, 16) IN kept.papers) = 0
            RETURNING voter, octet_length(kept.papers) / 19 AS slot
        )
        SELECT string_agg(uuid_send(voter) || set_byte(''\x00'', 0, slot), ''''),
            $2 * count(*) = octet_length($1) AND max(slot) = 0
        FROM taken', given
    ) INTO takers, fresh USING p_batch, stride, rules.per_day, rules.per_candidate;
    IF in_total THEN
        EXECUTE format(
            'UPDATE %I kept SET choices = kept.choices || given.choices
            FROM given_papers($1, $2) given
            WHERE kept.voter = given.voter AND given.voter IN (
                SELECT encode(substr($3, at, 16), ''hex'')::uuid FROM generate_series(1, octet_length($3), 17) at
            )',
            'voter_total_' || rules.no
        ) USING p_batch, stride, takers;
    END IF;
    IF fresh AND NOT in_total THEN
        outcome := 'FRESH';
        takers := NULL;
    ELSE
        outcome := 'JUDGED';
        takers := coalesce(takers, '');
    END IF;
END
$$;

-- Hold what these voters have chosen in total until the transaction ends; those papers of the batch that stay within it.
CREATE FUNCTION hold_totals(p_rules ballot, p_batch bytea, p_stride integer) RETURNS bytea
LANGUAGE plpgsql SET search_path = ballot, pg_temp AS $$
DECLARE
    within bytea;
BEGIN
    EXECUTE format(
        'INSERT INTO %I (voter, ballot, choices) SELECT voter, %s, '''' FROM given_papers($1, $2) ON CONFLICT DO NOTHING',
        'voter_total_' || p_rules.no, p_rules.no
    ) USING p_batch, p_stride;
    EXECUTE format(
        'WITH held AS (
            SELECT voter, choices FROM %I WHERE voter IN (SELECT voter FROM given_papers($1, $2)) ORDER BY voter FOR UPDATE
        )
        SELECT string_agg(substr($1, at, $2), '''' ORDER BY at)
        FROM generate_series(1, octet_length($1), $2) at
        CROSS JOIN given_papers(substr($1, at, $2), $2) given
        JOIN held USING (voter)
        WHERE octet_length(held.choices) + octet_length(given.choices) <= 2 * $3
            AND (octet_length(held.choices) + octet_length(given.choices) <= 2 * $4
                OR most_repeated(held.choices || given.choices) <= $4)',
        'voter_total_' || p_rules.no
    ) INTO within
    USING p_batch, p_stride, coalesce(p_rules.in_total, 65535), coalesce(p_rules.candidate_in_total, 65535);
    RETURN coalesce(within, '');
END
$$;

-- What voters have in the box: their days of these sheets, and with sheet NULL all their choices where the total counts.
CREATE FUNCTION held_papers(p_ballot text, p_sheets smallint[], p_voters uuid[])
RETURNS TABLE (voter uuid, sheet smallint, papers bytea, choices bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT 'voter_day_' || no AS name, 'sheet, papers' AS columns FROM sheet WHERE ballot = p_ballot AND no = ANY(p_sheets)
        UNION ALL
        SELECT 'voter_total_' || no, 'NULL::smallint, NULL::bytea' FROM ballot
        WHERE id = p_ballot AND coalesce(in_total, candidate_in_total) IS NOT NULL
    LOOP
        RETURN QUERY EXECUTE format('SELECT voter, %s, choices FROM %I WHERE voter = ANY($1)', one.columns, one.name)
        USING p_voters;
    END LOOP;
END
$$;

-- Refused papers, counted at best effort.
CREATE FUNCTION count_refusals(p_ballot text, p_codes text[], p_numbers bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    INSERT INTO refusal (ballot, code, n)
    SELECT p_ballot, code, n FROM unnest(p_codes, p_numbers) refused (code, n) ORDER BY code
    ON CONFLICT (ballot, code) DO UPDATE SET n = refusal.n + excluded.n
$$;
