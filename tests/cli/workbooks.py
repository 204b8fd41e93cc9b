"""Workbooks for tests of reading: what an officer's Excel would hold, good and bad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

Also = Callable[[xlsxwriter.Workbook, Any], None]


def write_workbook(
    path: Path,
    rows: Sequence[Any],
    sheet: str = "名单",
    also: Also | None = None,
    **options: object,
) -> Path:
    """One sheet with these rows; a `None` is an empty cell. `also` does more to the workbook and its sheet."""
    with xlsxwriter.Workbook(str(path), options) as workbook:
        made = workbook.add_worksheet(sheet)
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                match cell:
                    case None:
                        pass
                    case date():
                        made.write_datetime(at, column, cell, day)
                    case str():
                        made.write_string(at, column, cell)
                    case _:
                        made.write(at, column, cell)
        if also:
            also(workbook, made)
    return path
