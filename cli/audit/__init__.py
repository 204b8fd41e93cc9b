"""What an auditor asks: one module a question, answered from the log alone; importing this registers them all."""

from cli.audit import (
    amendments,
    compare,
    determinism,
    explain,
    exporting,
    proving,
    replay,
    robustness,
    timeline,
    verify,
    what_if,
)

__all__ = [
    "amendments",
    "compare",
    "determinism",
    "explain",
    "exporting",
    "proving",
    "replay",
    "robustness",
    "timeline",
    "verify",
    "what_if",
]
