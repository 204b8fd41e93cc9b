"""What lets a stranger check the log: the Merkle tree over it, signed notes and checkpoints, static tiles."""
