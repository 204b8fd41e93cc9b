"""What an auditor's questions stand on, purely: commands told by their events, decisions compared, taken otherwise."""
