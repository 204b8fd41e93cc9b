"""What is known of a ballot paper for the rules against stuffing (刷票), and for no longer than they need it (DR-23).

Coarse and nameless: no address, no identity. The intake fills `PaperTrace`; the ballot box adds what it knows itself and
keeps whole batches packed, apart from the papers, until the objection period is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970, as traces count."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class PaperTrace(NamedTuple):
    """What the intake saw of a paper's sender: keyed hashes of 8 bytes each, empty where it saw nothing.

    `network` stands for the /24 (IPv4) or /48 (IPv6) it came from, `device` for the device; both under the ballot's key.
    """

    network: bytes = b""
    device: bytes = b""


NO_TRACE = PaperTrace()


class Traced(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One accepted paper as the rules see it.

    `received` is in milliseconds since 1970; `voter` and `paper` are the 16 bytes each by which the box knows them;
    `choices` count from 0 in the order of the ballot's candidates, each candidate once.
    """

    received: int
    voter: bytes
    paper: bytes
    network: bytes
    device: bytes
    channel: str
    choices: tuple[int, ...]


_DECODER = msgspec.msgpack.Decoder(tuple[Traced, ...])


def packed(batch: Iterable[Traced]) -> bytes:
    """A batch in the order of its times, as `unpacked` reads it: about 60 bytes a paper."""
    return msgspec.msgpack.encode(sorted(batch, key=lambda one: one.received))


def unpacked(body: bytes) -> tuple[Traced, ...]:
    """The batch again; raises msgspec.MsgspecError for other bytes."""
    return _DECODER.decode(body)
