"""What the engine costs, each figure measured beside its ceiling or a peer in the same run."""
