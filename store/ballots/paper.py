"""A ballot paper, its receipt, and the bytes that are hashed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Paper(NamedTuple):
    """One paper as it is handed in.

    `voter` is a 16-byte token that tells nothing of a person. `paper_id` is 16 random bytes chosen by the voter's side:
    it makes a retry the same paper, and it is the secret that keeps leaf and receipt from telling the choice.
    `choices` index the ballot's candidates, from 0. `received_at` is the door's stamp, aware.
    """

    ballot: str
    voter: bytes
    paper_id: bytes
    choices: tuple[int, ...]
    channel: str
    received_at: datetime


class PaperReceipt(NamedTuple):
    """A paper is in the box for good. `id` is public and tells no choice; `leaf` is in hex; `repeated`: it was there."""

    ballot: str
    id: str
    leaf: str
    repeated: bool = False
