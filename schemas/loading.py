"""Programmes from files: read, extend, check, hash. Every fault is reported at once, with line, column and nearest word.

A value `?` is no fault: the programme is sound but cannot be opened, nor even loaded, until somebody supplies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from schemas.canonical import payload_hash
from schemas.checking import Draft, check_draft
from schemas.documents import UNSUPPLIED, Node
from schemas.errors import BadFile
from schemas.extending import extended
from schemas.faults import Fault, Mark, dotted, fault_at, in_order
from schemas.ledger import Frozen
from schemas.programme import Assumption, Programme
from schemas.shape import read_shape
from schemas.unit_files import check_units
from schemas.units import UnitTree

_ASSUMED_VALUE_MAX = 120


class Unknown(Frozen):
    """A value written `?`, which blocks opening."""

    path: str
    file: str
    line: int
    column: int

    @property
    def fault(self) -> Fault:
        """The same as a fault, for a door that refuses to open."""
        return fault_at(
            Mark(file=self.file, line=self.line, column=self.column), (self.path,), "unknown_value"
        )


class CheckReport(Frozen):
    """What a check found. `programme` and `hash` are there only if there is neither a fault nor an unknown value."""

    file: str
    faults: tuple[Fault, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    programme: Programme | None = None
    hash: str = ""

    @property
    def sound(self) -> bool:
        """True without faults; an unknown value only warns."""
        return not self.faults

    @property
    def exit_code(self) -> int:
        """0 where the file is sound, 3 where it has faults."""
        return 0 if self.sound else BadFile.exit_code


class Opened(NamedTuple):
    """A programme that a cycle can pin: with its units, without enterprises, and its hash."""

    programme: Programme
    units: UnitTree
    hash: str


def programme_hash(programme: Programme) -> str:
    """The hash that a cycle pins: SHA-256, in hex, of the canonical bytes (DR-01)."""
    return payload_hash(programme.model_dump(mode="json"))


def load_programme(path: Path) -> Programme:
    """Read the programme at `path`; raises `BadFile` with every fault, or else with every value that is still `?`."""
    return _accepted(check_programme(path))


def open_programme(path: Path) -> Opened:
    """Read the programme at `path` with its units; raises `BadFile` as `load_programme` does."""
    programme = load_programme(path)
    units, faults = check_units(path.parent / programme.units.file, root=programme.units.root)
    if units is None:  # the check has just passed, so the file changed in between
        raise BadFile("FILE_FAULTS", tuple(map(str, faults)), file=programme.units.file, count=len(faults))
    return Opened(programme, units, programme_hash(programme))


def check_programme(path: Path) -> CheckReport:
    """Everything about the programme at `path`: faults, unknown values, assumptions. Never raises for what it holds."""
    document = extended(path)
    root, faults = document.root, document.faults
    unknowns, assumptions = tuple(_unknowns(root)), tuple(_assumptions(root))
    programme = None
    if document.whole:
        programme, shape = read_shape(root, assumptions)
        known = {(fault.file, fault.line, fault.column) for fault in faults}
        faults += [fault for fault in shape if (fault.file, fault.line, fault.column) not in known]
        faults += check_draft(Draft(root), path.parent)
    if faults or unknowns or programme is None:
        return CheckReport(
            file=str(path), faults=in_order(faults), unknowns=unknowns, assumptions=assumptions
        )
    return CheckReport(
        file=str(path), assumptions=assumptions, programme=programme, hash=programme_hash(programme)
    )


def _accepted(report: CheckReport) -> Programme:
    if report.faults:
        raise BadFile(
            "FILE_FAULTS", tuple(map(str, report.faults)), file=report.file, count=len(report.faults)
        )
    if report.programme is None:
        open_values = tuple(map(str, (unknown.fault for unknown in report.unknowns)))
        raise BadFile("VALUES_UNSUPPLIED", open_values, file=report.file, count=len(open_values))
    return report.programme


# ---- what the file says about itself ----


def _unknowns(root: Node) -> Iterator[Unknown]:
    for place, node in root.walk():
        if node.scalar is UNSUPPLIED:
            yield Unknown(
                path=dotted(place), file=node.mark.file, line=node.mark.line, column=node.mark.column
            )


def _assumptions(root: Node) -> Iterator[Assumption]:
    for place, node in root.walk():
        if node.why is not None:
            text = node.text()
            short = text if len(text) <= _ASSUMED_VALUE_MAX else text[: _ASSUMED_VALUE_MAX - 1] + "…"
            yield Assumption(path=dotted(place), value=short, why=node.why)
