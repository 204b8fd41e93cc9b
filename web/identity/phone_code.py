"""A code sent to a phone and shown again: what lies between is a challenge that the voter's own browser keeps.

The challenge is sealed under the ballot's key and holds the code, its end and a mark of the number, never the number.
Only counters are kept, under marks: how often a number was sent to, how often a network asked for codes, how often a
challenge was tried. They are rows of the database, so that all processes of the intake count together.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from secrets import randbelow
from typing import ClassVar, Protocol
from unicodedata import normalize

import msgspec
import structlog

from schemas.errors import Refused, Unavailable
from store.polling_place import PollingPlace
from web.identity import Asked, Identity

CODE_LIFE = timedelta(minutes=10)
TRIES_MAX = 5
"""Guesses at one challenge, and codes sent to one number while `SENDING_WINDOW` lasts."""
SENDING_WINDOW = timedelta(hours=1)
_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")

log = structlog.get_logger()


class CodeSender(Protocol):
    """Where a code goes out to a phone: an SMS gateway, or the file of a rehearsal."""

    async def send(self, number: str, code: str) -> None:
        """Raises OSError if nothing can be sent now."""


class FileSender:
    """Stands in for phones on one's own machine: each code is a line of JSON in a file of mode 0600."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, number: str, code: str) -> None:
        line = msgspec.json.encode({"number": number, "code": code}) + b"\n"
        await asyncio.to_thread(self._append, line)

    def _append(self, line: bytes) -> None:
        self._file.touch(mode=0o600)
        with self._file.open("ab") as file:
            file.write(line)


class _Challenge(msgspec.Struct):
    code: str
    number: str  # a mark, not the number
    until: datetime


class PhoneCode:
    """The proof has `number` for a challenge; `number`, `code` and `challenge` to vouch."""

    by: ClassVar[str] = "phone_code"

    def __init__(self, sender: CodeSender, place: PollingPlace, network_max: int) -> None:
        """`network_max`: how many codes one network may ask for while `SENDING_WINDOW` lasts."""
        self._sender = sender
        self._place = place
        self._network_max = network_max

    async def challenge(self, asked: Asked) -> str:
        number = _normalised(asked.proof.get("number", ""))
        until = asked.now + SENDING_WINDOW
        # The network first: numbers that it may not ask for leave no counters of their own.
        await self._count(asked, f"asked/{asked.network}", until, "TOO_MANY_CODES", self._network_max)
        await self._count(asked, f"sent/{number}", until)
        code = f"{randbelow(1_000_000):06}"
        made = _Challenge(code, asked.key.mark(f"number/{number}").hex(), asked.now + CODE_LIFE)
        try:
            await self._sender.send(number, code)
        except OSError as fault:
            log.warning("codes_not_sent", fault=type(fault).__name__)  # whose text may hold the number
            raise Unavailable("IDENTITY_AWAY", by=self.by) from None
        return asked.key.seal("challenge", msgspec.json.encode(made))

    async def vouch(self, asked: Asked) -> Identity:
        number = _normalised(asked.proof.get("number", ""))
        opened = asked.key.unseal("challenge", asked.proof.get("challenge", ""))
        if opened is None:
            raise Refused("IDENTITY_REFUSED", fault="challenge · 校验串")
        held = msgspec.json.decode(opened, type=_Challenge)
        # By what is inside: base64 may be written in many ways, and each would have its own tries.
        await self._count(asked, f"tried/{opened.hex()}", held.until)
        same_number = hmac.compare_digest(held.number, asked.key.mark(f"number/{number}").hex())
        same_code = hmac.compare_digest(held.code.encode(), asked.proof.get("code", "").encode())
        if not (same_number and same_code) or held.until <= asked.now:
            raise Refused("IDENTITY_REFUSED", fault="code · 验证码")
        return Identity("phone", number)

    async def _count(
        self,
        asked: Asked,
        about: str,
        until: datetime,
        code: str = "TOO_MANY_TRIES",
        maximum: int = TRIES_MAX,
    ) -> None:
        tried = await self._place.count_try(asked.key.ballot, asked.key.mark(about), until)
        if tried.times > maximum:
            wait = ceil((tried.until - asked.now).total_seconds())
            raise Refused(code, maximum=maximum, retry_after_seconds=max(1, wait))


def _normalised(written: str) -> str:
    """E.164; eleven digits without a country are a mainland number. Refused IDENTITY_REFUSED."""
    digits = re.sub(r"[\s()-]", "", normalize("NFKC", written))
    number = f"+86{digits}" if re.fullmatch(r"1[0-9]{10}", digits) else digits
    if not _NUMBER.fullmatch(number):
        raise Refused("IDENTITY_REFUSED", fault="number · 手机号")
    return number
