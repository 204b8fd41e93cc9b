-- Reading a ballot's papers for the count, keeping its tree, and who may do what.
-- depends: 0005.cast

-- Where the choices of the second and later papers of a row begin; empty for one paper.
CREATE FUNCTION seams(p_papers bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(string_agg(substr(p_papers, 19 * n, 1), '' ORDER BY n), '')
    FROM generate_series(1, octet_length(p_papers) / 19) n
$$;

-- The leaf hashes of a row's papers, one after the other. `p_head` is 0x00 || hash of the rules || day as four bytes,
-- counted from 2000-01-01; a leaf is SHA-256(head || voter || paper id and minute || choices).
CREATE FUNCTION leaves(p_head bytea, p_voter uuid, p_papers bytea, p_choices bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    found bytea := '';
    first integer := 0;
    next integer;
BEGIN
    FOR slot IN 0 .. octet_length(p_papers) / 19 LOOP
        next := CASE
            WHEN 19 * slot + 18 = octet_length(p_papers) THEN octet_length(p_choices) / 2
            ELSE get_byte(p_papers, 19 * slot + 18)
        END;
        found := found || sha256(
            p_head || uuid_send(p_voter) || substr(p_papers, 19 * slot + 1, 18)
            || substr(p_choices, 2 * first + 1, 2 * (next - first))
        );
        first := next;
    END LOOP;
    RETURN found;
END
$$;

-- The leaf hashes of a ballot's rows from a voter of a sheet on, in the order of the tree: for the proof of one paper,
-- without its secret.
CREATE FUNCTION leaves_from(p_sheet smallint, p_voter uuid, p_rows integer)
RETURNS TABLE (voter uuid, found bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT voter, leaves(head, voter, papers, choices)
        FROM %I, (SELECT ''\x00'' || rules_hash || int4send(day - date ''2000-01-01'') AS head
            FROM ballot JOIN sheet ON sheet.ballot = ballot.id WHERE sheet.no = $1) said
        WHERE voter >= $2 ORDER BY voter LIMIT $3', 'voter_day_' || p_sheet
    ) USING p_sheet, p_voter, p_rows;
END
$$;

-- Put a closed ballot's rows in the order of the tree, which also takes up what is dead.
CREATE FUNCTION settle(p_sheet smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sheet JOIN ledger.gate ON gate.id = sheet.ballot WHERE sheet.no = p_sheet AND status = 'closed')
    THEN
        RAISE EXCEPTION 'the ballot of sheet % is not closed', p_sheet;
    END IF;
    EXECUTE format('CLUSTER %1$I USING %2$I', 'voter_day_' || p_sheet, 'voter_day_' || p_sheet || '_pkey');
END
$$;

-- The status of a ballot's gate, which is held until the transaction ends; and so is the right to seal the ballot.
CREATE FUNCTION hold_seal(p_ballot text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = ballot, pg_temp AS $$
    SELECT FROM ballot WHERE id = p_ballot FOR NO KEY UPDATE;
    SELECT hold_gate(p_ballot)
$$;

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ballot
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON sheet
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON tally
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON node
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON page
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE TRUNCATE ON voter_day
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE TRUNCATE ON voter_total
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

ALTER TABLE ballot ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE sheet ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE tally ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE node ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE page ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE voter_day ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE voter_total ENABLE ALWAYS TRIGGER no_change;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ballot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    open_ballot, is_announced, open_sheet, cast_papers, held_papers, count_refusals, hold_gate, hold_seal, most_repeated, seams, leaves, leaves_from, settle
    TO xuanshu_app;
GRANT SELECT ON ballot, sheet, voter_day, refusal, tally, node, page TO xuanshu_app;
GRANT INSERT ON tally, node, page TO xuanshu_app;

GRANT EXECUTE ON FUNCTION most_repeated, seams, leaves TO xuanshu_auditor;
GRANT SELECT ON ballot, sheet, voter_day, voter_total, refusal, tally, node, page TO xuanshu_auditor;
