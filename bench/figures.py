"""The form of a measured figure: a line of JSON for programs on stdout, a table for people on stderr."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Iterable
from dataclasses import asdict, dataclass
from statistics import median

import orjson
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One figure beside what it is compared with; `beside` says what that is, `ratio` is value / beside_value."""

    figure: str
    value: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    ratio: float | None = None


def compared(
    figure: str, unit: str, runs: Iterable[float], beside: str, beside_runs: Iterable[float]
) -> Figure:
    """The medians of both sides' runs, and their ratio."""
    value, beside_value = median(runs), median(beside_runs)
    return Figure(
        figure, round(value, 1), unit, beside, round(beside_value, 1), round(value / beside_value, 3)
    )


async def show(parts: AsyncIterable[Iterable[Figure]]) -> None:
    """Print a JSON object a figure on stdout as soon as its part is measured, and a table on stderr in the end."""
    table = Table("figure", "value", "unit", "beside", "beside value", "ratio")
    async for figures in parts:
        for figure in figures:
            sys.stdout.write(orjson.dumps(asdict(figure)).decode() + "\n")
            table.add_row(*("" if value is None else str(value) for value in asdict(figure).values()))
        sys.stdout.flush()
    Console(stderr=True).print(table)
