"""Where decisions touch the world: load, fold, decide, append."""
