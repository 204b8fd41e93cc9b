"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import amendments, explain, replay, timeline, verify

__all__ = ["amendments", "explain", "replay", "timeline", "verify"]
