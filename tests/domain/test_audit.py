"""What an auditor's questions stand on: every command is told by its events, and two decisions are held together."""

from __future__ import annotations

import inspect
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import rebuilt
from domain.audit.compared import first_difference
from domain.scoring import parse_score
from schemas import commands
from schemas.ledger import JsonObject


def test_every_kind_of_command_is_told_by_its_events_dr_45() -> None:
    source = inspect.getsource(rebuilt)
    kinds = get_args(get_args(commands.Body)[0])
    assert [kind.__name__ for kind in kinds if f"c.{kind.__name__}" not in source] == []


@pytest.mark.parametrize(
    ("recorded", "retaken", "path"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": {"b": [1, {"c": "x"}]}}, {"a": {"b": [1, {"c": "y"}]}}, "a.b[1].c"),
        ({"a": [1, 2]}, {"a": [1]}, "a"),
        ({}, {"a": 1}, "a"),
    ],
)
def test_the_first_difference_is_named_by_its_path(
    recorded: JsonObject, retaken: JsonObject, path: str | None
) -> None:
    found = first_difference(recorded, retaken)
    assert (found[0] if found else None) == path


@given(st.integers(0, 1000), st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 10), Fraction(1, 8)]))
def test_a_score_is_written_so_that_it_is_read_as_the_same(steps: int, step: Fraction) -> None:
    value = steps * step
    assert parse_score(rebuilt._decimal(str(value)), Fraction(0), Fraction(1000), step) == value
