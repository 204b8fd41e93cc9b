"""Changing a state is replacing it: the same result as by dataclasses, which checks and makes every field anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from domain import nomination
from domain import round as rounds
from domain.changing import replace

EACH = pytest.mark.parametrize(
    ("before", "changes"),
    [
        (rounds.initial, {"seq": 7, "current": "vote", "steps": {"vote": rounds.StepRun(held="TIE")}}),
        (rounds.StepRun(judges=("j1",)), {"held": "TIE", "waived_rules": frozenset({"r"})}),
        (nomination.initial, {"status": nomination.Status.OPEN, "facts": {"age": 40}}),
        (rounds.Cohort("r", "n1", 2, 3), {"status": "invalid"}),
        (rounds.initial, {}),
    ],
)


@EACH
def test_what_is_changed_is_changed_and_all_else_stays(before: Any, changes: dict[str, Any]) -> None:
    was = dataclasses.replace(before)
    changed = replace(before, **changes)
    assert changed == dataclasses.replace(before, **changes)
    assert type(changed) is type(before)
    assert changed is not before
    assert before == was


@EACH
def test_a_changed_state_is_as_frozen_as_before(before: Any, changes: dict[str, Any]) -> None:
    changed = replace(before, **changes)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(changed, dataclasses.fields(before)[0].name, None)


def test_a_field_that_the_state_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError):
        replace(rounds.initial, unheard_of=1)  # type: ignore[call-arg]
