"""What people send: decoded and checked by msgspec in one go."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from schemas.errors import BadUsage

_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Text = Annotated[str, msgspec.Meta(max_length=2000)]
_CHOICES_MAX = 1000


class PaperBody(msgspec.Struct, forbid_unknown_fields=True):
    """One ballot paper; `voter` is the pass. `paper` is a random UUID, made once: a retry with it is the same paper.

    `device` is whatever the voter's page keeps to know its device again; only a keyed hash of it is looked at.
    """

    paper: _Short
    voter: _Text
    choices: Annotated[list[_Short], msgspec.Meta(max_length=_CHOICES_MAX)]
    device: _Text = ""


class ProofBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who somebody says they are: by which adapter, with what."""

    by: _Short
    proof: Annotated[dict[_Short, _Text], msgspec.Meta(max_length=8)]


_Body = TypeVar("_Body")


class Reader:
    """Decodes one kind of body; made once, as making it costs more than using it."""

    def __init__(self, kind: type[_Body]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, raw: bytes) -> object:
        """Raises BadUsage BODY_MALFORMED, which says where and why."""
        try:
            return self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:  # ValidationError is one of the first
            raise BadUsage("BODY_MALFORMED", fault=str(fault)) from None
