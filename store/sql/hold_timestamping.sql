-- The row of whoever asks authorities, until the transaction ends; nothing while another publisher holds it
SELECT one FROM ledger.timestamping FOR NO KEY UPDATE SKIP LOCKED
