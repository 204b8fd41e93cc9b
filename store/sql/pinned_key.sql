SELECT fingerprint FROM vault.key_check
