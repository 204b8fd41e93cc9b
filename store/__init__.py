"""The truth: the event store, the sequencer, the person vault, the ballot box, their migrations."""
