"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import explain, replay, verify

__all__ = ["explain", "replay", "verify"]
