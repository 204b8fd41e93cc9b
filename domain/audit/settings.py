"""A programme with some of its values set otherwise, as `RANK.STEP.FIELD=VALUE`; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.errors import BadUsage
from schemas.ledger import JsonObject
from schemas.programme import Programme

_NAMES = ("id", "component", "channel", "title")
"""By which of these a list's items are called in a path."""


def with_settings(programme: Programme, settings: Iterable[str]) -> Programme:
    """The programme with these values; `expert` in `province.decide.weights.expert.share=60%` names a list's item.

    Raises BadUsage SETTING for a path or a value that does not fit, weights that are not whole among them.
    """
    document = programme.model_dump(mode="json")
    for written in settings:
        path, found, value = written.partition("=")
        if not found:
            raise BadUsage("SETTING", written=written, fault="RANK.STEP.FIELD=VALUE")
        rank, *steps = path.split(".")
        stage = document["stages"].get(rank)
        if stage is None:
            raise BadUsage("SETTING", written=written, fault=", ".join(document["stages"]))
        _set(stage["steps"], steps, _value(value), written)
    try:
        return Programme.model_validate(document)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadUsage("SETTING", written=", ".join(settings), fault=f"{where}: {first['msg']}") from fault


def _set(at: Any, path: list[str], value: Any, written: str) -> None:
    for name in path[:-1]:
        inner = _item(at, name, written)
        if inner is None:  # what is left out so far may be begun
            inner = at[name] = dict.fromkeys(path[-1:])
        at = inner
    if not path or not isinstance(at, dict) or path[-1] not in at:
        known = ", ".join(map(str, at)) if isinstance(at, dict) else ""
        raise BadUsage("SETTING", written=written, fault=known or "RANK.STEP.FIELD=VALUE")
    kept = at[path[-1]]
    at[path[-1]] = str(value) if isinstance(kept, str) and type(value) is int else value


def _item(at: Any, name: str, written: str) -> Any:
    if isinstance(at, dict) and name in at:
        return at[name]
    if isinstance(at, list):
        named: dict[str, JsonObject] = {
            str(one.get(key)): one for key in reversed(_NAMES) for one in at if key in one
        }
        if name in named:
            return named[name]
        raise BadUsage("SETTING", written=written, fault=", ".join(named))
    raise BadUsage("SETTING", written=written, fault=", ".join(at) if isinstance(at, dict) else name)


def _value(text: str) -> Any:
    """JSON where it is JSON without fractions of a number, else text: `60%`, `2/3`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(value, float) else value
