"""The imperative shell: only waiting, ordering, deadlines and compensation."""
