"""How old versions of an event's data become new ones when they are read; the kept bytes never change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Data = dict[str, Any]
Upcaster = Callable[[Data], Data]


class Upcasters:
    """Steps from one version of a type's data to the next, applied in a chain."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Upcaster] = {}

    def step(self, event_type: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Register the step `from_version` → `from_version + 1` of a type; a second one is a mistake."""

        def register(upcaster: Upcaster) -> Upcaster:
            if (event_type, from_version) in self._steps:
                raise ValueError(f"{event_type} v{from_version} has its step already")
            self._steps[event_type, from_version] = upcaster
            return upcaster

        return register

    def upcast(self, event_type: str, version: int, data: Data) -> tuple[int, Data]:
        """The newest version of `data`, and its number."""
        while upcaster := self._steps.get((event_type, version)):
            data, version = upcaster(data), version + 1
        return version, data


UPCASTERS = Upcasters()
