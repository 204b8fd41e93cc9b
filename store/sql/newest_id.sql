-- The newest event seen, and how far everything is settled; takes no lock and no transaction number.
SELECT coalesce((SELECT max(id) FROM ledger.event), 0) AS newest, low FROM ledger.sequencer
