"""What the read side answers: frozen, and each saying up to which position of the log it has read."""

from __future__ import annotations

from domain.cycle import Status as CycleStatus
from domain.nomination import Status as NominationStatus
from schemas.events import BelowMinimum, ComponentScore, IntakeWindow
from schemas.ledger import Frozen
from schemas.values import Exact, Instant, Label


class Answer(Frozen):
    """`position` is the last event, in the global order, that the answer knows of."""

    position: int
    cycle: str


class HeldRound(Frozen):
    """A round that waits for a person, and why (`code`)."""

    round: str
    unit: str
    rank: str
    step: str
    code: str


class CycleOverview(Answer):
    """`nominations` and `rounds` count by status."""

    status: CycleStatus
    programme: str
    edition: int
    title: Label
    rules: str
    rehearsal: bool
    opened_at: Instant
    intakes: tuple[IntakeWindow, ...]
    intake_closed: bool
    silent: int
    below_minimum: tuple[BelowMinimum, ...]
    conferred: int
    nominations: dict[str, int]
    rounds: dict[str, int]
    held: tuple[HeldRound, ...]


class Level(Frozen):
    """All units of one rank: what became of nominations there, what the units did, how their rounds stand.

    `received` counts nominations that have reached the rank, `returned` every return, also those corrected since;
    `rejected`, `eliminated`, `withdrawn`, `disqualified` and `conferred` those that ended there; `recommended` whom
    the rounds reported upward; `silent` invited units that submitted nothing, `below_minimum` those that submitted
    fewer than was asked of them (DR-06).
    """

    rank: str
    received: int = 0
    returned: int = 0
    rejected: int = 0
    eliminated: int = 0
    withdrawn: int = 0
    disqualified: int = 0
    conferred: int = 0
    recommended: int = 0
    silent: int = 0
    below_minimum: int = 0
    open: int = 0
    held: int = 0
    reported: int = 0
    lapsed: int = 0


class Levels(Answer):
    """Lowest rank first; ranks where nothing happened are left out."""

    levels: tuple[Level, ...]


class NominationLine(Frozen):
    """A nomination and where it stands: the unit, its rank and round."""

    nomination: str
    subject: str
    unit: str
    route: str
    status: NominationStatus
    level: int
    stands_at: str
    rank: str
    round: str
    revision: int
    titles: tuple[str, ...]
    last_seq: int


class Nominations(Answer):
    """A page, by nomination id; `after` asks for the next one, empty at the end."""

    nominations: tuple[NominationLine, ...]
    after: str


class Place(Frozen):
    """A place in the ranking."""

    nomination: str
    rank: int
    score: Exact


class CutLine(Frozen):
    """Where the selection drew the line: the lowest place that is in, the highest that is not."""

    last_in: Place | None
    first_out: Place | None


class Listed(Frozen):
    """One of the list; without rank and score if no selection ranked it."""

    nomination: str
    subject: str
    unit: str
    unit_name: str
    route: str
    status: NominationStatus
    rank: int | None
    score: Exact | None
    components: tuple[ComponentScore, ...]
    titles: tuple[str, ...]
    certificates: tuple[str, ...]


class Result(Answer):
    """The summit round's list by rank: `final` once its titles are conferred or it is recommended, until then as it
    stands now.
    """

    round: str
    step: str
    seats: int
    final: bool
    listed: tuple[Listed, ...]
    reserve: tuple[str, ...]
    cut_line: CutLine | None
