-- The log defends itself: a change is refused whoever asks, each kind with its own SQLSTATE.
-- depends: 0001.log

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the log is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = CASE TG_OP WHEN 'UPDATE' THEN 'XS001' WHEN 'DELETE' THEN 'XS002' ELSE 'XS003' END;
END
$$;

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON event
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON leaf
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON document
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ALWAYS: also where a session calls itself a replica.
ALTER TABLE event ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE leaf ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE document ENABLE ALWAYS TRIGGER no_change;
