"""What workflows, activities and people's doors say to each other."""

from __future__ import annotations

from schemas.commands import Command
from schemas.events import GrantTerms
from schemas.ledger import Frozen, Head, Receipt
from schemas.programme import Cadence
from schemas.values import Instant, Pace


class Order(Frozen):
    """A command on its way to be decided, with the last head that its workflow was given."""

    command: Command
    known: Head | None = None


class ChildRef(Frozen):
    """A round to be started: its stream and what people read of it."""

    stream: str
    unit: str
    name: str
    rank: str


class StepRef(Frozen):
    id: str
    type: str


class CycleView(Frozen):
    """Where a cycle stands."""

    seq: int = 0
    status: str = "new"
    programme: str = ""
    intake_closed: bool = False
    wakes_at: Instant | None = None
    root: ChildRef | None = None
    paused_seconds: int = 0
    fed: int = 0  # winners of other cycles who are nominated once intake is closed


class RoundView(Frozen):
    """Where a round stands: what it waits for, and until when."""

    seq: int = 0
    steps: tuple[StepRef, ...] = ()
    children: tuple[ChildRef, ...] = ()
    reports_due: Instant | None = None
    paused_seconds: int = 0  # since that was set
    frozen: bool = False
    current: str = ""
    closed: tuple[str, ...] = ()
    sealed: bool = True  # no closed ballot waits for its tally
    held: str = ""
    paused: bool = False  # the round itself, not its cycle
    ripe: bool = False
    wakes_at: Instant | None = None
    seals_at: Instant | None = None  # when the adjudication of a closed vote is over
    screens: bool = False  # the rules against stuffing are to be run
    shows: Instant | None = None  # when counts were to be shown that were not yet
    members: int = 0
    reported: bool = False
    amends_at: Instant | None = None  # when a substitute's own publicity period ends, after the report
    lapsed: bool = False
    conferred: int = 0


class NominationView(Frozen):
    """Where a nomination stands."""

    seq: int = 0
    status: str = "new"
    level: int = 0
    over: bool = False


class CycleAnswer(Frozen):
    receipt: Receipt
    view: CycleView


class RoundAnswer(Frozen):
    receipt: Receipt
    view: RoundView


class NominationAnswer(Frozen):
    receipt: Receipt
    view: NominationView


class FeedOrder(Frozen):
    """Nominate those whom a cycle's feeders gave, at this instant of its time."""

    cycle: str
    received_at: Instant


class CycleOrder(Frozen):
    """How a cycle's workflow begins; again with the command that once opened it, which the log answers."""

    cycle: str
    pace: Pace
    opening: Command | None = None


class RoundOrder(Frozen):
    """How a round's workflow begins."""

    stream: str
    pace: Pace
    programme: str
    unit: str
    rank: str


class NominationOrder(Frozen):
    """How a nomination's workflow begins, and begins again at each level; its state is in the log."""

    stream: str
    pace: Pace
    known: Head | None = None
    level: int = 0


class OutcomeSignal(Frozen):
    """A round's outcome for a nomination, under the id of the outbox row."""

    id: str
    body: dict[str, object]


class SignalOutcome(Frozen):
    """What became of a command that came by signal: a receipt, or the code of the refusal."""

    receipt: Receipt | None = None
    code: str = ""
    message: str = ""


class RoundReport(Frozen):
    """What flows up: counts; the recommendation itself is in the round's stream."""

    stream: str
    recommended: int = 0
    conferred: int = 0
    lapsed: bool = False


class PinnedCycle(Frozen):
    """All that it takes to open a cycle, its documents by hash: who founds it, who may act, who is invited."""

    programme: str
    edition: int
    root: str
    rules: str
    units: str
    overrides: str = ""  # days that somebody declared, laid over what is known when the cycle opens
    operators: tuple[str, ...]
    grants: tuple[GrantTerms, ...] = ()
    invited: tuple[str, ...] = ()
    label: str = ""
    period: str = ""


class PeriodOrder(Frozen):
    """What a schedule starts: the cycle of the period in which, or after which, it fires."""

    pinned: PinnedCycle
    cadence: Cadence
    scheduled_at: Instant | None = None  # whose period it is; it may be made up for later
    opens_at: Instant | None = None


class OpenedPeriod(Frozen):
    """The cycle of a period, and whether it had been opened before."""

    cycle: str
    already: bool
