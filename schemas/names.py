"""Names on the wire: streams, workflow ids, gates, signals and task queues, each made in one place.

A workflow's id is its stream's name, so that the log and Temporal's UI speak of the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAIN_QUEUE = "xuanshu-main"
ROOT_ROUTE = "all"
"""The route part of the round where all routes meet."""

OUTCOME_SIGNAL = "take_outcome"
NUDGE_SIGNAL = "nudge"
COMMAND_SIGNAL = "command"
RESUMED_SIGNAL = "resumed"
TITLE_MESSAGE = "confer_title"
"""A message that begins a title's stream: titles have no workflow, the outbox decides it from the log."""
COMMAND_UPDATE = "execute"


_PERIOD = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?")
_LABEL = re.compile(r"[\w-]+(\.[\w-]+)*")


def cycle_id(programme: str, edition: int, label: str = "", period: str = "") -> str:
    """`sichuan-craftsman.1`, `ID.1.LABEL` for one run of a rehearsal, `ID.1.2020-09` for a period (DR-38), or both."""
    return ".".join(part for part in (programme, str(edition), label, period) if part)


def is_period(text: str) -> bool:
    """True for `2020`, `2020-Q3` and `2020-09`."""
    return _PERIOD.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """True for what a cycle's id gives back as its label: no part of an address, and no period."""
    return _LABEL.fullmatch(text) is not None and not any(map(is_period, text.split(".")))


def programme_of(cycle: str) -> str:
    """The programme that a cycle is an edition of."""
    return cycle.split(".", 1)[0]


def period_of(cycle: str) -> str:
    """The period that a cycle covers; empty for one that is not of a recurring programme."""
    last = cycle.split(".")[2:][-1:]
    return last[0] if last and is_period(last[0]) else ""


def label_of(cycle: str) -> str:
    """The mark of a rehearsal: only cycles of the same mark know of each other."""
    return ".".join(part for part in cycle.split(".")[2:] if not is_period(part))


def family(programme: str, label: str = "") -> str:
    """What all cycles of a programme, or of one rehearsal of it, have in common: `ID`, or `ID.LABEL`."""
    return f"{programme}.{label}" if label else programme


def family_of(cycle: str) -> str:
    """The family of a cycle."""
    return family(programme_of(cycle), label_of(cycle))


def log_origin(cycle: str) -> str:
    return f"xuanshu/log/{cycle}"


def cycle_stream(cycle: str) -> str:
    return f"cycle/{cycle}"


def authority_stream(cycle: str) -> str:
    return f"authority/{cycle}"


def nomination_stream(cycle: str, nomination: str) -> str:
    return f"nomination/{cycle}/{nomination}"


def round_stream(cycle: str, route: str, unit: str) -> str:
    return f"round/{cycle}/{route}/{unit}"


def round_on_way(cycle: str, route: str, path: Sequence[str], at: int) -> str:
    """The round at this place of a nomination's way, whose last is the one where all routes meet."""
    return round_stream(cycle, ROOT_ROUTE if at == len(path) - 1 else route, path[at])


def points_stream(cycle: str, subject: str) -> str:
    """A subject's points in the family of this cycle."""
    return f"points/{family_of(cycle)}/{subject}"


def person_stream(cycle: str, subject: str) -> str:
    """What happened to a person's data in the family of this cycle: held, released, erased."""
    return f"person/{family_of(cycle)}/{subject}"


def subject_of(stream: str) -> str:
    """The subject of a stream of `points` or `person`."""
    return stream.rsplit("/", 1)[-1]


def register_stream(cycle: str) -> str:
    """What the family of this cycle knows beside its cycles: who is in its register, and outcomes of elsewhere."""
    return f"register/{family_of(cycle)}"


def members_of(cycle: str) -> str:
    """Where the members of a cycle's teams hold their places, apart from those who are nominated themselves."""
    return f"{cycle}/members"


def title_stream(cycle: str, nomination: str, title: str) -> str:
    """One title that one nomination was given, or (with the honour's id) one honour of elsewhere recorded for it."""
    return f"title/{cycle}/{nomination}/{title}"


def cycle_of(stream: str) -> str:
    """The cycle that a stream belongs to; the family, of a stream that outlives its cycles."""
    return stream.split("/")[1]


def kind_of(stream: str) -> str:
    """`cycle`, `authority`, `nomination`, `round` or `title`; of a whole family: `points`, `register`, `person`."""
    return stream.split("/", maxsplit=1)[0]


def cycle_gate(cycle: str) -> str:
    return f"cycle/{cycle}"


def intake_gate(cycle: str, rank: str) -> str:
    return f"cycle/{cycle}/intake/{rank}"


GIVEN_AWAY = "unit/"
"""How the holder of a place begins that a unit gave to another: no nomination has a slash in its id."""


def given_to(unit: str) -> str:
    """The holder of a place that was given to this unit."""
    return f"{GIVEN_AWAY}{unit}"


def quota_scope(route: str, unit: str) -> str:
    """The places that a unit may nominate for by one route."""
    return f"quota/{route}/{unit}"


def rank_scope(round_: str) -> str:
    """The recommendation ranks that a round's unit gives."""
    return f"rank/{round_}"


def step_gate(round_: str, step: str, nomination: str = "") -> str:
    """The window of a step; with a nomination, of that substitute's own publicity period."""
    return f"{round_}/{step}/{nomination}" if nomination else f"{round_}/{step}"


def founding_command(cycle: str) -> str:
    """The id of the command that gives a cycle its first grants."""
    return f"found/{cycle}"


def feed_command(cycle: str, subject: str) -> str:
    """The id of the engine's nomination of a winner whom a feeder gave."""
    return f"{cycle_stream(cycle)}/feed/{subject}"
