"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import replay, verify, what_if

__all__ = ["replay", "verify", "what_if"]
