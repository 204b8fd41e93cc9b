"""What a command says: one JSON object for programs, a text or table for people; and how errors are said."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from io import TextIOWrapper
from typing import Any

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cli.sheets import BadCells
from runtime.settings import Language
from schemas.errors import BadFile, EngineError
from schemas.ledger import JsonObject
from schemas.values import SHANGHAI, format_instant

OK, REFUSED, USAGE, BAD_FILE, CONFLICT, UNAVAILABLE, INTEGRITY = range(7)
"""The exit codes; `EngineError.exit_code` has those of errors."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, the JSON of `--json`, and what a person is shown."""

    exit_code: int = OK
    json: Any = field(default_factory=dict)  # an object; of a list, an array of objects
    shown: RenderableType = ""

    @property
    def failed(self) -> bool:
        """True where an error is all that there is to say; it goes to stderr."""
        return "error" in self.json


def failure(error: EngineError, language: Language) -> Outcome:
    """The code and the sentence, then every fault of a file, a line each."""
    said: JsonObject = {"code": error.code, "message": error.message(language), "facts": error.facts}
    lines = [f"{error.code}: {said['message']}"]
    if isinstance(error, BadFile):
        said["faults"] = list(error.faults)
        lines += error.faults
    if isinstance(error, BadCells):
        said["cells"] = [cell.as_json() for cell in error.cells]
    return Outcome(error.exit_code, {"error": said}, Text("\n".join(lines)))


def say_anywhere() -> None:
    """Let a terminal or pipe that is not UTF-8 show escapes for what it lacks: an answer in part is better than none."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(outcome: Outcome, *, as_json: bool) -> None:
    """Print: JSON always to stdout and in one line, errors for people to stderr."""
    if as_json:
        print(json.dumps(outcome.json, ensure_ascii=False, sort_keys=False))
    elif outcome.shown:
        console(error=outcome.failed).print(outcome.shown)


def console(*, error: bool = False, width: int = 200) -> Console:
    """The terminal, or a pipe of that width."""
    stream = sys.stderr if error else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else width,
        soft_wrap=True,
        highlight=False,
        emoji=False,
        markup=False,
    )


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]], title: str = "") -> Table:
    """A plain table; every cell is shown as text, never read as markup."""
    made = Table(title=Text(title) if title else None, box=None, pad_edge=False, title_justify="left")
    for column in columns:
        made.add_column(Text(column, style="bold"), overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def wrapped(text: str) -> Table:
    """A paragraph that breaks between words; other text is left to the terminal, so that commands can be copied."""
    grid = Table.grid()
    grid.add_column(overflow="fold")
    grid.add_row(Text(text))
    return grid


def clock(moment: datetime) -> str:
    """In Beijing, as days are counted there; the very end of a day is its 24:00, not the first moment of the next."""
    moment = moment.astimezone(SHANGHAI)
    if moment.time() == time():
        return f"{moment - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{moment:%Y-%m-%d %H:%M}"


def in_beijing(value: Any) -> Any:
    """What `jsonable` gives, for people: each instant in Beijing time, with its +08:00."""
    match value:
        case str():
            return _INSTANT.sub(lambda found: _with_offset(found[0]), value)
        case dict():
            return {key: in_beijing(item) for key, item in value.items()}
        case list():
            return [in_beijing(item) for item in value]
        case _:
            return value


def _with_offset(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).isoformat()


def jsonable(value: Any) -> Any:
    """Anything that the engine holds as plain JSON: exact numbers and instants as text, sets sorted, odd keys joined."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case StrEnum() | Fraction():
            return str(value)
        case datetime():
            return format_instant(value)
        case Mapping():
            return {_key(key): jsonable(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((jsonable(item) for item in value), key=str)
        case list() | tuple():
            return [jsonable(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return jsonable(asdict(value))
        case _:
            return value


def number(value: Fraction) -> str:
    """An exact number with at most four decimals, for people; the JSON has it whole."""
    scaled = round(value * 10_000)
    whole, part = divmod(abs(scaled), 10_000)
    decimals = f"{part:04}".rstrip("0")
    return f"{'-' if scaled < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _key(key: Any) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
