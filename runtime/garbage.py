"""How often a process looks for circles among its objects."""

from __future__ import annotations

import gc

_ALLOCATIONS = 50_000


def collect_seldom() -> None:
    """What is there stays unlooked at, and the rest is looked through rarely.

    Events, states and requests are many small objects that live long and form no circles: looking through them for each
    700 new ones costs a tenth of an intake, and in a replay ever more as the log grows.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(_ALLOCATIONS, 50, 100)
