"""The read side: rebuildable from the log, always; nothing here decides."""
