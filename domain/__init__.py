"""The verbs: pure rules over events and programme. No clock, no dice, no I/O."""
