"""Circles are looked for seldom, but they are looked for."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from runtime.garbage import collect_seldom


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.enable()


def test_a_process_that_imported_without_looking_for_circles_looks_for_them_afterwards() -> None:
    gc.disable()
    collect_seldom()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
