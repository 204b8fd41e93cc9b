"""How the demo's people act: each act is words for `starter.py`, done by `cli.app.run`, a few at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from cli.output import UNAVAILABLE, Outcome
from runtime.door import Door
from runtime.settings import Settings
from schemas.errors import Unavailable

AT_ONCE = 16
ATTEMPTS = 8
WAIT_SECONDS = 1.0
LATE = ("STAGE_CLOSED", "CYCLE_NOT_OPEN")


class Acknowledged(NamedTuple):
    """What a receipt promised: this event, with this hash, in this stream."""

    stream: str
    seq: int
    hash: str


@dataclass
class Acts:
    """The one hand that types. Keeps what was acknowledged and what was refused, to be held against the log."""

    settings: Settings
    door: Door
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    done: int = 0
    tried_again: int = 0

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def act(self, *words: str) -> Outcome:
        """Do it and count it; where a server was away the same words are said again, so the key must be in them."""
        async with self._places:
            outcome = await self._until_answered(words)
        self.done += 1
        self._note(outcome.json)
        return outcome

    async def must(self, *words: str) -> Outcome:
        """`act`, where no rule stands against it but that one may be late; Unavailable DEMO_REFUSED otherwise."""
        outcome = await self.act(*words)
        if outcome.failed and outcome.json["error"]["code"] not in LATE:
            error = outcome.json["error"]
            raise Unavailable(
                "DEMO_REFUSED", words=" ".join(words[:4]), refusal=error["code"], fault=error["message"]
            )
        return outcome

    async def _until_answered(self, words: Sequence[str]) -> Outcome:
        from cli.app import run  # noqa: PLC0415 -- app registers this package by name; the other way is at call time

        for attempt in range(1, ATTEMPTS + 1):
            try:
                outcome = await run(words, self.settings, self.door)
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                outcome = Outcome(UNAVAILABLE)
            if outcome.exit_code != UNAVAILABLE or attempt == ATTEMPTS:
                break
            self.tried_again += 1
            await asyncio.sleep(WAIT_SECONDS)
        return outcome

    def _note(self, said: dict[str, Any]) -> None:
        if "error" in said:
            self.refused[said["error"]["code"]] += 1
        for event in said["events"] if "command_id" in said else ():
            self.acknowledged.append(Acknowledged(said["stream"], event["seq"], event["hash"]))
