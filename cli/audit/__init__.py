"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import compare, determinism, proving, replay, verify, what_if

__all__ = ["compare", "determinism", "proving", "replay", "verify", "what_if"]
