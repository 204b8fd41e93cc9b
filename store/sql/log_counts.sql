SELECT (SELECT count(*) FROM ledger.event) AS events, (SELECT count(*) FROM ledger.leaf) AS leaves
