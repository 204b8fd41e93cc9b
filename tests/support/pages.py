"""What people see of an outcome, as text."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, RenderableType


def printed(shown: RenderableType) -> str:
    """The page on a terminal so wide that hardly a line is folded."""
    page = StringIO()
    Console(file=page, width=250).print(shown)
    return page.getvalue()
