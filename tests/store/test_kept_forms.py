"""What is kept for ever stays readable and hashes as it did: `kept_forms.txt` has the form of all that was ever written.

`python -m tests.store.test_kept_forms` adds to the file what may come, and leaves what may not be as it was:

- `request`: commands are hashed, and meet their hash again after a deployment, at a retry, a second person's word and a
  replay. A new field is no part of the bytes where it is unsaid: `Field(exclude_if=…)`, as `Meant`.
- `event`: what replay makes must be what was recorded. A new field is None where it is unsaid; every other change is a
  new `v` with a step in `schemas/upcasters.py`. A part has no `v`: those of the events that have it are raised.
- `document`, `message`: a new field has a default, which means what was so before there was the field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from activities.deciding import request_hash
from domain.calendar import WorkDays
from schemas import commands, messages
from schemas.canonical import plain
from schemas.commands import Command
from schemas.events import EVENTS
from schemas.ledger import Actor, Receipt
from schemas.programme import Programme
from schemas.units import UnitTree
from schemas.upcasters import UPCASTERS
from store.ballots.rules import Rules

KEPT = Path(__file__).with_name("kept_forms.txt")
Form = list[str]
"""Fields as the bytes have them: `name` where it is always given, `name=default`, or `name?` where it may be left out."""


def _of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _of(part)


def _with_parts(roots: Iterable[type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """These and all that they are made of, by name."""
    found: dict[str, type[BaseModel]] = {}
    waiting = list(roots)
    while waiting:
        model = waiting.pop()
        assert found.setdefault(model.__name__, model) is model, f"two are called {model.__name__}"
        parts = (one for field in model.model_fields.values() for one in _of(field.annotation))
        waiting += [one for one in parts if one.__name__ not in found]
    return found


def _written(name: str, field: FieldInfo, *, without_none: bool) -> str:
    if field.is_required():
        return name
    default = plain(field.get_default(call_default_factory=True, validated_data={}))
    if field.exclude_if or (without_none and default is None):
        return f"{name}?"
    return f"{name}={json.dumps(default, ensure_ascii=False)}"


def _form(model: type[BaseModel], *, without_none: bool = False) -> Form:
    return [_written(name, field, without_none=without_none) for name, field in model.model_fields.items()]


@cache
def forms() -> dict[str, Form]:
    """What this code writes."""
    bodies = {model.__name__: model for model in _of(commands.Body)}
    carried = [one for one in vars(messages).values() if getattr(one, "__module__", "") == messages.__name__]
    requests = _with_parts([*bodies.values(), Actor])
    events = _with_parts(EVENTS.values())
    documents = _with_parts([Programme, UnitTree, WorkDays, Rules])
    orders = _with_parts([*(one for one in carried if one in _of(one)), Command, Receipt])
    return (
        {f"request {name}": _form(model) for name, model in requests.items()}
        | {
            f"event {name} {EVENTS[name].v if name in EVENTS else '-'}": _form(model, without_none=True)
            for name, model in events.items()
        }
        | {f"document {name}": _form(model) for name, model in documents.items()}
        | {f"message {name}": _form(model) for name, model in orders.items() if name not in requests}
    )


@cache
def kept() -> dict[str, Form]:
    """What was ever written."""
    lines = (line.split(": ", 1) for line in KEPT.read_text("utf-8").splitlines())
    return {line: json.loads(form) for line, form in lines}


def _names(form: Form) -> set[str]:
    return {said.rstrip("?").split("=")[0] for said in form}


def breaks(line: str, was: Form, now: Form) -> set[str]:
    """The fields by which what was written in the old form is not read, or has other bytes."""
    gone = _names(was) - _names(now)
    if line.startswith(("request ", "event ")):
        return gone | _names([said for said in {*was} ^ {*now} if not said.endswith("?")])
    return gone | ({said for said in now if "=" not in said} - _names(was))


def test_every_form_is_kept() -> None:
    was = kept()
    assert {line: form for line, form in forms().items() if _names(form) - _names(was.get(line, []))} == {}


@pytest.mark.parametrize("line", kept())
def test_what_was_written_is_read_and_has_its_bytes_dr_01_dr_45(line: str) -> None:
    family, name, *version = line.split(" ")
    now = forms()
    if line not in now and family == "event":
        assert UPCASTERS.upcast(name, int(*version), {})[0] == EVENTS[name].v
    else:
        assert breaks(line, kept()[line], now[line]) == set()


@pytest.mark.parametrize(
    ("line", "now", "broken"),
    [
        ("request Any", ["one", "two=0", "more?"], set()),
        ("request Any", ["one", "two=0", "more=null"], {"more"}),
        ("request Any", ["one", "two=1"], {"two"}),
        ("event Any 1", ["one", "two=0", "more?"], set()),
        ("event Any 1", ["one", "two=0", "more=[]"], {"more"}),
        ("event Any 1", ["one"], {"two"}),
        ("document Any", ["one", "two=1", "more=[]"], set()),
        ("document Any", ["one", "two=0", "more"], {"more"}),
        ("message Any", ["one", "renamed=0"], {"two"}),
    ],
)
def test_a_planted_change_is_found(line: str, now: Form, broken: set[str]) -> None:
    assert breaks(line, ["one", "two=0"], now) == broken


ENDORSED = {"kind": "endorse", "round": "round/t.1/all/51", "recommendation_rank": 1}
EXTENDED = {"kind": "extend_step", "step": "s", "closes_at": "2026-03-02T16:00:00Z", "reason": "节假日"}


@pytest.mark.parametrize(
    ("stream", "body", "asked"),
    [
        ("nomination/t.1/n", ENDORSED, "ff3d8f139df57858a2e51fe75316184da821b305d7eb0f1844e36e7d0b3b37a2"),
        ("round/t.1/all/51", EXTENDED, "a472556976b6f1532c6a4a9c0b13a306caeb6eee5a6d77e1abcc59cd2fae3c03"),
    ],
)
def test_a_request_has_the_hash_that_it_had(stream: str, body: dict[str, Any], asked: str) -> None:
    actor = {"id": "s-1", "role": "officer", "unit": "51"}
    said = {
        "id": "any",
        "stream": stream,
        "actor": actor,
        "received_at": "2026-03-01T01:02:03Z",
        "body": body,
    }
    assert request_hash(Command.model_validate(said)) == asked


if __name__ == "__main__":
    before, today = kept(), forms()
    for at, form in before.items():
        if at in today and breaks(at, form, today[at]):
            today[at] = form
    every = sorted((before | today).items())
    KEPT.write_text("".join(f"{at}: {json.dumps(form, ensure_ascii=False)}\n" for at, form in every), "utf-8")
