-- Who may do what: the app appends through the function, the sequencer alone writes leaves, the auditor reads.
-- depends: 0003.append

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO xuanshu_app, xuanshu_sequencer, xuanshu_auditor;

GRANT SELECT ON stream_head, event, leaf, gate, reservation, claim, outbox, document TO xuanshu_app;
GRANT EXECUTE ON FUNCTION append_batch TO xuanshu_app;
GRANT INSERT ON document TO xuanshu_app;
GRANT UPDATE (delivered) ON outbox TO xuanshu_app;

GRANT SELECT ON event TO xuanshu_sequencer;
GRANT SELECT, INSERT ON leaf TO xuanshu_sequencer;
GRANT SELECT, UPDATE ON sequencer TO xuanshu_sequencer;

GRANT SELECT ON stream_head, event, leaf, sequencer, gate, reservation, claim, outbox, document
TO xuanshu_auditor;
