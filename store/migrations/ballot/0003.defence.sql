-- Papers, rules and tallies are append-only; who may do what.
-- depends: 0002.cast

CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ballot
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON paper
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON tally
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

ALTER TABLE ballot ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE paper ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE tally ENABLE ALWAYS TRIGGER no_change;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ballot FROM PUBLIC;
GRANT USAGE ON SCHEMA ballot TO xuanshu_app, xuanshu_auditor;
GRANT EXECUTE ON FUNCTION cast_paper, hold_gate, most_repeated TO xuanshu_app;

GRANT SELECT ON ballot, paper, refusal, tally TO xuanshu_app;
GRANT INSERT ON ballot, tally TO xuanshu_app;
GRANT INSERT, UPDATE ON refusal TO xuanshu_app;

GRANT SELECT ON ballot, voter_day, paper, refusal, tally TO xuanshu_auditor;
