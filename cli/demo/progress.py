"""The live picture of a running demo: a line a level, both clocks, and what has just happened; on stderr."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.demo.acting import Acts
from cli.demo.watching import Seen, rounds_by_rank
from cli.words import rank_words, step_words
from runtime.settings import Language
from schemas.values import SHANGHAI

NEWS_SHOWN = 6
_BAR = 20


class Progress:
    """A picture that moves on a terminal; elsewhere a line whenever there is news. `quiet`: nothing at all."""

    def __init__(self, language: Language, *, quiet: bool) -> None:
        self._language = language
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._moves = sys.stderr.isatty() and not quiet
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._news: list[str] = []
        self._said: set[str] = set()
        self._at: datetime | None = None

    def __enter__(self) -> Self:
        if self._moves:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, zh: str, en: str) -> None:
        """News, once."""
        line = zh if self._language is Language.ZH else en
        if line in self._said:
            return
        self._said.add(line)
        line = f"{self._at:%m-%d %H:%M} {line}" if self._at else line
        self._news.append(line)
        if self._moves:
            self._live.update(Group(*map(Text, self._news[-NEWS_SHOWN:])))
        elif not self._quiet:
            self._console.print(line)

    def show(self, seen: Seen, acts: Acts) -> None:
        """Redraw."""
        self._at = seen.at.astimezone(SHANGHAI)
        counted = rounds_by_rank(seen)
        for rank in counted:
            name = rank_words(rank, self._language)
            self.say(f"{name}：评审轮开启", f"{name}: rounds open")
        for rank, count in counted.items():
            name = rank_words(rank, self._language)
            if not count["open"] and not count["held"]:
                self.say(f"{name}：全部上报", f"{name}: all rounds have reported")
        if self._moves:
            self._live.update(self.picture(seen, acts.done, counted))

    def picture(self, seen: Seen, done: int, counted: dict[str, Counter[str]]) -> Group:
        """Both clocks, a line a level, the news."""
        zh = self._language is Language.ZH
        head = Text(
            f"{'演练' if zh else 'REHEARSAL'} · {'届内时间（北京时间）' if zh else 'cycle time (Beijing)'} {seen.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            f" · {'实际时间' if zh else 'real time'} {seen.recorded.astimezone(SHANGHAI):%H:%M:%S}"
            f" · {len(seen.nominations)} {'项申报' if zh else 'nominations'}"
            f" · {done} {'次办理' if zh else 'acts'}",
            style="bold",
        )
        grid = Table(box=None, pad_edge=False)
        for column in (
            ("层级", "轮", "进度", "在评", "环节") if zh else ("level", "rounds", "", "members", "steps")
        ):
            grid.add_column(column, style=None, no_wrap=True)
        for rank, count in counted.items():
            grid.add_row(*_row(rank_words(rank, self._language), count, self._language))
        return Group(head, grid, *map(Text, self._news[-NEWS_SHOWN:]))


def _row(name: str, count: Counter[str], language: Language) -> tuple[str, ...]:
    total = sum(count[status] for status in ("open", "held", "reported", "lapsed"))
    done = count["reported"] + count["lapsed"]
    filled = _BAR * done // max(total, 1)
    steps = ", ".join(
        f"{step_words(what.removeprefix('step '), language)} {number}"
        for what, number in sorted(count.items())
        if what.startswith("step ")
    )
    bar = "█" * filled + "░" * (_BAR - filled)
    return name, f"{done}/{total}", bar, str(count["members"]), steps or ("✓" if done == total else "…")
