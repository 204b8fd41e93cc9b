"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import compare, determinism, exporting, proving, replay, verify

__all__ = ["compare", "determinism", "exporting", "proving", "replay", "verify"]
