"""The terminal: one module a noun; a command turns words into one message and an answer into words."""
