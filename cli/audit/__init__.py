"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import amendments, explain, replay, robustness, timeline, verify

__all__ = ["amendments", "explain", "replay", "robustness", "timeline", "verify"]
