"""Names on the wire: streams, workflow ids, gates, signals and task queues, each made in one place.

A workflow's id is its stream's name, so that the log and Temporal's UI speak of the same thing.
"""

from __future__ import annotations

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


def cycle_id(programme: str, edition: int, label: str = "") -> str:
    """`sichuan-craftsman.1`, or `sichuan-craftsman.1.LABEL` for one run of a rehearsal."""
    return ".".join(part for part in (programme, str(edition), label) if part)


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


def title_stream(cycle: str, nomination: str, title: str) -> str:
    """One title that one nomination was given, or (with the honour's id) one honour of elsewhere recorded for it."""
    return f"title/{cycle}/{nomination}/{title}"


def cycle_of(stream: str) -> str:
    """The cycle that a stream belongs to."""
    return stream.split("/")[1]


def kind_of(stream: str) -> str:
    """`cycle`, `authority`, `nomination`, `round` or `title`."""
    return stream.split("/", maxsplit=1)[0]


def cycle_gate(cycle: str) -> str:
    return f"cycle/{cycle}"


def intake_gate(cycle: str, rank: str) -> str:
    return f"cycle/{cycle}/intake/{rank}"


def quota_scope(route: str, unit: str) -> str:
    """The places that a unit may nominate for by one route."""
    return f"quota/{route}/{unit}"


def rank_scope(round_: str) -> str:
    """The recommendation ranks that a round's unit gives."""
    return f"rank/{round_}"


def step_gate(round_: str, step: str, nomination: str = "") -> str:
    """The window of a step; with a nomination, of that substitute's own publicity period."""
    return f"{round_}/{step}/{nomination}" if nomination else f"{round_}/{step}"
