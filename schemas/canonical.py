"""The one byte form of everything that is hashed: RFC 8785 JSON in a narrow profile, and its leaf hash.

The profile: keys of ASCII `[a-z0-9_]`, integers below 2^53, text in NFC, no floats, UTC instants with six digits,
decimals as text. Inside it, sorted compact JSON is RFC 8785.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple
from unicodedata import is_normalized

import orjson
from pydantic import BaseModel

from schemas.ledger import Actor, Append, NewEvent, Provenance, RecordedEvent
from schemas.upcasters import UPCASTERS, Upcasters

_KEY = re.compile(r"[a-z0-9_]+\Z")
_INTEGER_LIMIT = 2**53
_OPTIONAL = ("grant", "cause", "subject")
# By way of a model's dictionary: asking for its attributes one by one costs more, and this is asked of every event.
_decided = itemgetter("type", "v", "data", "subject")
_provenance = itemgetter(
    "log", "command_id", "payload_hash", "actor", "grant", "cause", "occurred_at", "recorded_at", "rules"
)


class CanonicalFormError(ValueError):
    """A value lies outside the profile; the text says which and why."""


class Sealed(NamedTuple):
    """An event ready to be written: what readers will see, and the bytes that are hashed and kept."""

    event: RecordedEvent
    body: bytes


def plain(value: Any) -> Any:
    """Turn a value of the profile into what JSON gives back; raise `CanonicalFormError` for anything else.

    Text is looked at by `canonical_bytes`, where it is one piece.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        return {_key(key): item if type(item) is str else plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) is str else plain(item) for item in value]
    return _integer(value) if kind is int else _converted(value)


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`; raises `CanonicalFormError` outside the profile."""
    return _json(plain(value))


@lru_cache(maxsize=1024)  # a command and its events carry the same few instants
def instant(moment: datetime) -> str:
    """Format an aware instant as `2024-01-30T01:02:03.000000Z`."""
    return _utc(moment).isoformat(timespec="microseconds")[:-6] + "Z"


def digest(data: bytes) -> str:
    """SHA-256 of `data`, in hex."""
    return sha256(data).hexdigest()


def payload_hash(payload: Any) -> str:
    """The hash by which the same command id with another payload is found; `payload` is a model or JSON value."""
    return digest(canonical_bytes(payload))


def leaf_hash(body: bytes) -> str:
    """RFC 6962 leaf hash, SHA-256(0x00 ‖ body), in hex."""
    return sha256(b"\x00" + body).hexdigest()


def seal(append: Append) -> tuple[Sealed, ...]:
    """Chain an append's events on to its expected head: bodies, hashes and what a reader will be given."""
    sealed: list[Sealed] = []
    seq, prev = append.expected.seq, append.expected.hash
    for ordinal, event in enumerate(append.events):
        seq += 1
        item = _seal_one(append.stream, append.provenance, event, seq, ordinal, prev)
        prev = item.event.hash
        sealed.append(item)
    return tuple(sealed)


def open_event(body: bytes, upcasters: Upcasters = UPCASTERS, position: int | None = None) -> RecordedEvent:
    """Read an event from its kept bytes; old data versions are upcast, the hash stays that of the bytes."""
    raw = orjson.loads(body)
    v, data = upcasters.upcast(raw["type"], raw["v"], raw["data"])
    return RecordedEvent(
        stream=raw["stream"],
        seq=raw["seq"],
        ordinal=raw["ord"],
        type=raw["type"],
        v=v,
        at=datetime.fromisoformat(raw["at"]),
        recorded=datetime.fromisoformat(raw["recorded"]),
        actor=Actor(**raw["actor"]),
        grant=raw.get("grant", ""),
        cause=raw.get("cause", ""),
        command_id=raw["cmd"],
        payload_hash=raw["req"],
        rules=raw["rules"],
        subject=raw.get("subject", ""),
        data=data,
        prev=raw["prev"],
        hash=leaf_hash(body),
        log=raw["log"],
        position=position,
    )


def _seal_one(
    stream: str, provenance: Provenance, event: NewEvent, seq: int, ordinal: int, prev: str
) -> Sealed:
    log, command_id, request, actor, grant, cause, at, recorded, rules = _provenance(vars(provenance))
    kind, v, data, subject = _decided(vars(event))
    data = plain(data)
    fields = {
        "actor": _actor(actor),
        "at": instant(at),
        "cause": cause,
        "cmd": command_id,
        "data": data,
        "grant": grant,
        "log": log,
        "ord": ordinal,
        "prev": prev,
        "recorded": instant(recorded),
        "req": request,
        "rules": rules,
        "seq": seq,
        "stream": stream,
        "subject": subject,
        "type": kind,
        "v": v,
    }
    for name in _OPTIONAL:
        if not fields[name]:
            del fields[name]
    body = _json(fields)
    told = {
        "stream": stream,
        "seq": seq,
        "ordinal": ordinal,
        "type": kind,
        "v": v,
        "at": _utc(at),
        "recorded": _utc(recorded),
        "actor": actor,
        "grant": grant,
        "cause": cause,
        "command_id": command_id,
        "payload_hash": request,
        "rules": rules,
        "subject": subject,
        "data": data,
        "prev": prev,
        "hash": leaf_hash(body),
        "log": log,
        "position": None,
    }
    return Sealed(RecordedEvent.trusted(told), body)


def _actor(actor: Actor) -> dict[str, str]:
    named = {"id": actor.id, "role": actor.role}
    if actor.unit:
        named["unit"] = actor.unit
    if actor.on_behalf_of:
        named["on_behalf_of"] = actor.on_behalf_of
    return named


def _json(value: Any) -> bytes:
    try:
        body = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as fault:
        raise CanonicalFormError(f"no canonical form: {fault}") from fault
    # One look at the whole; `\n` before a combining mark may look like an `n`, so the texts themselves decide.
    if not body.isascii() and not is_normalized("NFC", body.decode()):
        _refuse_text_outside_nfc(value)
    return body


def _refuse_text_outside_nfc(value: Any) -> None:
    match value:
        case str() if not is_normalized("NFC", value):
            raise CanonicalFormError(f"text is not in NFC: {value!r}")
        case dict():
            _refuse_text_outside_nfc(list(value.values()))
        case list():
            for item in value:
                _refuse_text_outside_nfc(item)


def _converted(value: Any) -> Any:
    match value:
        case str():
            result: Any = str(value)
        case int():
            result = _integer(value)
        case dict():
            result = plain(dict(value))
        case datetime():
            result = instant(value)
        case date():
            result = value.isoformat()
        case Decimal():
            result = _decimal(value)
        case BaseModel():
            result = plain(value.model_dump(mode="python"))
        case _:
            raise CanonicalFormError(f"{type(value).__name__} has no canonical form: {value!r}")
    return result


def _integer(value: int) -> int:
    if not -_INTEGER_LIMIT < value < _INTEGER_LIMIT:
        raise CanonicalFormError(f"an integer must lie below 2^53: {value}")
    return int(value)


@lru_cache(maxsize=4096)
def _key(key: Any) -> str:
    if not isinstance(key, str) or not _KEY.match(key):
        raise CanonicalFormError(f"a key must be of [a-z0-9_]: {key!r}; use a list of objects for ids")
    return str(key)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise CanonicalFormError(f"a decimal must be finite: {value}")
    return format(value, "f")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise CanonicalFormError(f"an instant needs a time zone: {moment!r}")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
