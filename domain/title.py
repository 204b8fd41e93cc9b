"""One title that was conferred, or one honour of elsewhere: its rewards, its assessments, and how it may end.

It has no workflow: nothing waits. What falls due or expires does so by date, judged when somebody asks (DR-33 to DR-36).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction

from domain import authority
from domain.calendar import local_date
from domain.decision import NOTHING, Decision, two_people
from domain.history import resting_on, years_after
from domain.rewards import Entry, Key, entries
from schemas import names
from schemas.commands import (
    AgreeShares,
    AppealRevocation,
    AssessTitle,
    Command,
    ConferTitle,
    DecideRevocation,
    DelistTitle,
    HearHolder,
    NoteLeaderLeft,
    PayReward,
    ProposeRevocation,
    RecordHonour,
    RecoverRewards,
    ReplaceLeader,
    RuleOnAppeal,
    TitleBody,
)
from schemas.errors import Refused
from schemas.events import (
    ActProposed,
    ActSeconded,
    AppealRuled,
    EntitlementIssued,
    Event,
    HeldTitle,
    HonourRecorded,
    LeaderLeft,
    LeaderReplaced,
    MemberShare,
    RevocationAppealed,
    RevocationDecided,
    RevocationHeard,
    RevocationProposed,
    RewardPaid,
    RewardRecovered,
    SharesAgreed,
    TitleAssessed,
    TitleConferred,
    TitleDelisted,
)
from schemas.ledger import Guard, HeadIs
from schemas.programme import Assessment, Programme, Reward, Title
from schemas.units import UnitTree
from schemas.values import Label


class Status(StrEnum):
    NEW = "new"
    ACTIVE = "active"
    PROPOSED = "revocation_proposed"
    HEARD = "revocation_heard"
    REVOKED = "revoked"
    APPEALED = "revocation_appealed"
    DELISTED = "delisted"


STANDS = {Status.ACTIVE, Status.PROPOSED, Status.HEARD}
"""In these a title is held still, if its term is not over."""


DISPUTED = {Status.PROPOSED, Status.HEARD, Status.APPEALED}
"""In these a proceeding about the title is under way."""

MOST_PERIODS = 100
"""No reward goes on for longer; a period beyond it is refused before any date is reckoned."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What stands in the ledger under one key: the balance, and the command that paid."""

    amount_fen: int
    command: str
    recovered_by: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A title as its events tell it."""

    status: Status = Status.NEW
    conferred: TitleConferred | None = None
    honour: HonourRecorded | None = None
    subject: str = ""
    assessments: dict[int, str] = field(default_factory=dict)  # year → result
    shares: tuple[MemberShare, ...] = ()
    leaderless: bool = False
    ledger: dict[Key, Paid] = field(default_factory=dict)
    revoked_on: date | None = None
    barred_until: date | None = None
    delisted_on: date | None = None
    appealed: bool = False
    seq: int = 0
    proposals: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        begun = self.conferred or self.honour
        return begun.title if begun else ""

    @property
    def unit(self) -> str:
        begun = self.conferred or self.honour
        return begun.unit if begun else ""

    @property
    def since(self) -> date:
        if self.conferred:
            return self.conferred.effective_on
        assert self.honour is not None
        return self.honour.conferred_on

    @property
    def until(self) -> date | None:
        """The first day on which it is held no more, if that is known."""
        expires_on = self.conferred.expires_on if self.conferred else None
        return min(filter(None, (expires_on, self.revoked_on, self.delisted_on)), default=None)

    def stands(self, day: date) -> bool:
        """Whether it is held on a day."""
        return self.status in STANDS and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a title's decisions stand on beside its own stream."""

    programme: Programme
    tree: UnitTree
    authority: authority.State
    subject: str = ""  # of the nomination that an honour is recorded for
    unit: str = ""  # where that nomination entered
    held: tuple[HeldTitle, ...] = ()  # what else the subject holds
    rehearsal: bool = False


initial = State()


# ---- folding ----


def evolve(state: State, event: Event, actor: str = "", subject: str = "", command: str = "") -> State:
    return replace(_evolve(state, event, actor, subject, command), seq=state.seq + 1)


def _evolve(state: State, event: Event, actor: str, subject: str, command: str) -> State:  # noqa: C901 -- a flat match, one case an event
    match event:
        case TitleConferred():
            return replace(state, status=Status.ACTIVE, conferred=event, subject=subject)
        case HonourRecorded():
            return replace(state, status=Status.ACTIVE, honour=event, subject=subject)
        case TitleAssessed():
            return replace(state, assessments=state.assessments | {event.year: event.result})
        case SharesAgreed():
            return replace(state, shares=event.shares)
        case LeaderLeft():
            return replace(state, leaderless=True)
        case LeaderReplaced():
            return replace(state, leaderless=False)
        case RewardPaid() | EntitlementIssued() | RewardRecovered():
            return _entered(state, event, command)
        case RevocationProposed():
            return replace(state, status=Status.PROPOSED)
        case RevocationHeard():
            return replace(state, status=Status.HEARD)
        case RevocationDecided(outcome="revoked"):
            ended = replace(state, revoked_on=event.revoked_on, barred_until=event.barred_until)
            return replace(ended, status=Status.REVOKED)
        case RevocationDecided():
            return replace(state, status=Status.ACTIVE)
        case RevocationAppealed():
            return replace(state, status=Status.APPEALED, appealed=True)
        case AppealRuled(outcome="upheld"):
            return replace(state, status=Status.REVOKED)
        case AppealRuled():
            return replace(state, status=Status.ACTIVE, revoked_on=None, barred_until=None, appealed=False)
        case TitleDelisted():
            return replace(state, status=Status.DELISTED, delisted_on=event.delisted_on)
        case ActProposed():
            return replace(state, proposals=state.proposals | {event.act: actor})
        case ActSeconded():
            return replace(state, proposals={k: v for k, v in state.proposals.items() if k != event.act})
        case _:
            return state


def _entered(state: State, event: RewardPaid | EntitlementIssued | RewardRecovered, command: str) -> State:
    if isinstance(event, EntitlementIssued):
        key, paid = (event.item, event.period, "", ""), Paid(0, command)
    else:
        key = (event.item, event.period, event.payer, event.payee)
        before = state.ledger.get(key, Paid(0, command))
        paid = Paid(before.amount_fen + event.amount_fen, command)
        if isinstance(event, RewardRecovered):
            paid = replace(before, amount_fen=before.amount_fen + event.amount_fen, recovered_by=command)
    return replace(state, ledger=state.ledger | {key: paid})


# ---- queries ----


def held(state: State, stream: str) -> HeldTitle:
    """The title as those see it who ask what the subject holds."""
    begun = state.conferred or state.honour
    assert begun is not None
    return HeldTitle(
        stream=stream,
        seq=state.seq,
        title=begun.title,
        programme=begun.programme,
        edition=begun.edition,
        since=state.since,
        until=state.until,
        revoked_on=state.revoked_on,
        barred_until=state.barred_until,
        place=begun.place,
        rehearsal=begun.rehearsal,
    )


def label_at(title: Title, unit: str, tree: UnitTree) -> Label:
    """What the unit calls the title: its own name for it, or that of the nearest unit above that has one (青烟工匠)."""
    named = {one.unit: one.label for one in title.labels}
    above = (one.code for way in (False, True) for one in tree.ancestors(unit, by_industry=way))
    return next((named[code] for code in above if code in named), title.label)


def schedule(state: State, programme: Programme, until: date) -> list[Entry]:
    """Every entry of the title's rewards that falls due by a day, paid or not, while its term lasts."""
    if state.conferred is None:
        return []
    expires_on = state.conferred.expires_on
    shares = [(one.member, one.share) for one in state.shares]
    return [
        entry
        for reward in rewards_of(state, programme)
        for entry in entries(reward, state.since, until, shares)
        if expires_on is None or entry.due_on < expires_on
    ]


def rewards_of(state: State, programme: Programme) -> list[Reward]:
    return [reward for reward in programme.rewards if reward.title == state.title]


def is_paid(state: State, entry: Entry) -> bool:
    """Paid, and not since recovered."""
    paid = state.ledger.get(entry.key)
    return paid is not None and (paid.amount_fen > 0 or not paid.recovered_by)


def withheld(state: State, reward: Reward, period: str, today: date) -> str:
    """Why a due entry may not be paid now, in a few words; empty if it may."""
    if state.status != Status.ACTIVE:
        return str(state.status)
    if not state.stands(today) and reward.type == "entitlement":
        return "expired"
    if state.leaderless:
        return "leader left"
    if reward.members and not state.shares:
        return "shares not agreed"
    if reward.after_assessment and int(period) > 1 and state.assessments.get(int(period) - 1) != "pass":
        return f"assessment of year {int(period) - 1} not passed"
    return ""


# ---- deciding ----


@authority.by_two_who_may
def decide(state: State, command: Command, body: TitleBody, inputs: Inputs) -> Decision:
    """Raises Refused with the code of the rule that said no."""
    match body:
        case ConferTitle():
            return _confer(state, body, inputs)
        case RecordHonour():
            return _record(state, command, body, inputs)
    if state.status == Status.NEW:
        raise Refused("NOT_FOUND", what=command.stream)
    grant = _authorize(state, command, inputs)
    match body:
        case AssessTitle():
            decision = _assess(state, command, body, inputs)
        case AgreeShares():
            decision = _agree(state, body)
        case NoteLeaderLeft():
            _must_stand(state, command)
            decision = NOTHING if state.leaderless else Decision(events=(LeaderLeft(reason=body.reason),))
        case ReplaceLeader():
            _must_stand(state, command)
            decision = Decision(events=(LeaderReplaced(**body.model_dump(exclude={"kind"})),))
        case PayReward():
            decision = _pay(state, command, body, inputs)
        case RecoverRewards():
            decision = _recover(state, command, body)
        case _:
            decision = _end(state, command, body, inputs)
    return replace(decision, grant=grant)


def _authorize(state: State, command: Command, inputs: Inputs) -> str:
    """Revoking and ruling on the appeal are the conferring body's; of an honour of elsewhere, an operator notes them."""
    roles: tuple[str, ...] = ()
    if isinstance(command.body, DecideRevocation | RuleOnAppeal) and state.conferred:
        roles = (f"body:{state.conferred.body}",)
    kind = command.body.kind
    return authority.authorize(inputs.authority, inputs.tree, command.actor, kind, state.unit, roles)


def _today(command: Command) -> date:
    return local_date(command.received_at)


def _must_be(state: State, command: Command, *statuses: Status) -> None:
    if state.status not in statuses:
        raise Refused("TITLE_STATUS", title=command.stream, status=state.status, action=command.body.kind)


def _must_stand(state: State, command: Command) -> None:
    if not state.stands(_today(command)):
        status = "expired" if state.status in STANDS else state.status
        raise Refused("TITLE_STATUS", title=command.stream, status=status, action=command.body.kind)


# ---- beginning ----


def _confer(state: State, body: ConferTitle, inputs: Inputs) -> Decision:
    if state.status != Status.NEW:
        return NOTHING
    title = inputs.programme.title_of(body.title)
    assert title is not None
    unit = body.round.rsplit("/", 1)[-1]
    conferred = TitleConferred(
        **body.model_dump(exclude={"kind", "subject"}),
        programme=inputs.programme.programme,
        edition=inputs.programme.edition,
        label=label_at(title, unit, inputs.tree),
        unit=unit,
        expires_on=years_after(body.effective_on, title.term_years) if title.term_years else None,
        rehearsal=inputs.rehearsal,
    )
    return Decision(events=(conferred,), subject=body.subject)


def _record(state: State, command: Command, body: RecordHonour, inputs: Inputs) -> Decision:
    """DR-43: recorded once under its id; whoever sends it has verified it."""
    if not inputs.subject:
        raise Refused("NOT_FOUND", what=command.stream)
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, inputs.unit)
    recorded = HonourRecorded(
        **body.model_dump(exclude={"kind"}),
        unit=inputs.unit,
        verifier=command.actor.id,
        rehearsal=inputs.rehearsal,
    )
    if state.status != Status.NEW:
        raise Refused("TITLE_STATUS", title=command.stream, status=state.status, action=body.kind)
    if body.conferred_on > _today(command):
        raise Refused("NOT_YET", what=body.title, on=body.conferred_on)
    return Decision(events=(recorded,), subject=inputs.subject, grant=grant)


# ---- term and assessment: DR-35 ----


def _assess(state: State, command: Command, body: AssessTitle, inputs: Inputs) -> Decision:
    """A failure too many takes the title off the register, in the same breath."""
    _must_stand(state, command)
    declared = inputs.programme.title_of(state.title)
    policy = declared.annual_assessment if declared else None
    if policy is None:
        raise Refused("NO_ASSESSMENT", title=state.title)
    begins = years_after(state.since, body.year - 1)
    if _today(command) < begins:
        raise Refused("NOT_YET", what=f"{command.stream} {body.year}", on=begins)
    events: tuple[Event, ...] = (TitleAssessed(**body.model_dump(exclude={"kind"})),)
    if _failures(state.assessments | {body.year: body.result}, policy) >= policy.fails:
        events += (TitleDelisted(delisted_on=_today(command), reason="ASSESSMENT_FAILED"),)
    return Decision(events=events)


def _failures(assessments: dict[int, str], policy: Assessment) -> int:
    """In total, or the longest row of years one after another."""
    failed = [year for year, result in sorted(assessments.items()) if result == "fail"]
    if policy.counted == "total":
        return len(failed)
    longest = here = 0
    for year in failed:
        here = here + 1 if assessments.get(year - 1) == "fail" else 1
        longest = max(longest, here)
    return longest


# ---- rewards: DR-34 ----


def _agree(state: State, body: AgreeShares) -> Decision:
    """A team's parts are a whole, and stay once something was paid by them."""
    if sum((one.share for one in body.shares), Fraction(0)) != 1:
        raise Refused("SHARES_NOT_WHOLE", total=sum((one.share for one in body.shares), Fraction(0)))
    if len({one.member for one in body.shares}) != len(body.shares):
        raise Refused("SHARES_NOT_WHOLE", total="a member is named twice")
    if any(payee for _, _, _, payee in state.ledger):
        raise Refused("SHARES_IN_USE", title=state.title)
    return NOTHING if state.shares == body.shares else Decision(events=(SharesAgreed(shares=body.shares),))


def _pay(state: State, command: Command, body: PayReward, inputs: Inputs) -> Decision:
    """What was paid is paid: asked again, the answer is the first receipt."""
    today = _today(command)
    rewards = {reward.item: reward for reward in rewards_of(state, inputs.programme)}
    reward = rewards.get(body.item)
    if reward is None:
        raise Refused("NOT_FOUND", what=f"{command.stream} {body.item}")
    asked = [entry for entry in _within_term(state, reward, body.period) if _matches(entry, body)]
    if asked and all(is_paid(state, entry) for entry in asked):
        return Decision(already=state.ledger[asked[0].key].command)
    if not asked:
        raise Refused("NOT_FOUND", what=f"{command.stream} {body.item} {body.period}")
    if why := withheld(state, reward, body.period, today):
        raise Refused("REWARD_WITHHELD", item=body.item, period=body.period, why=why)
    if today < asked[0].due_on:
        raise Refused("NOT_YET", what=f"{body.item} {body.period}", on=asked[0].due_on)
    left = [entry for entry in asked if not is_paid(state, entry)]
    return Decision(events=tuple(_payment(reward, entry, body.reference) for entry in left))


def _within_term(state: State, reward: Reward, period: str) -> list[Entry]:
    """The entries of one period, whenever they fall due, unless the term is over by then."""
    if not period.isascii() or not period.isdigit() or not 1 <= int(period) <= MOST_PERIODS:
        return []
    shares = [(one.member, one.share) for one in state.shares]
    expires_on = state.conferred.expires_on if state.conferred else None
    return [
        entry
        for entry in entries(reward, state.since, years_after(state.since, int(period) - 1), shares)
        if entry.period == period and (expires_on is None or entry.due_on < expires_on)
    ]


def _matches(entry: Entry, body: PayReward) -> bool:
    return body.payer in ("", entry.payer) and body.payee in ("", entry.payee)


def _payment(reward: Reward, entry: Entry, reference: str) -> Event:
    if reward.type == "entitlement":
        return EntitlementIssued(
            item=entry.item,
            period=entry.period,
            issuer=reward.issuer,
            expires_on=entry.expires_on,
            reference=reference,
        )
    return RewardPaid(
        item=entry.item,
        period=entry.period,
        payer=entry.payer,
        payee=entry.payee,
        amount_fen=entry.amount_fen,
        reference=reference,
    )


def _recover(state: State, command: Command, body: RecoverRewards) -> Decision:
    """追缴: a negative entry for each that was paid, once."""
    _must_be(state, command, Status.REVOKED)
    owed = {key: paid for key, paid in state.ledger.items() if paid.amount_fen > 0}
    before = next((paid.recovered_by for paid in state.ledger.values() if paid.recovered_by), "")
    if not owed:
        return Decision(already=before) if before else NOTHING
    recovered = tuple(
        RewardRecovered(
            item=item,
            period=period,
            payer=payer,
            payee=payee,
            amount_fen=-paid.amount_fen,
            reference=body.reference,
        )
        for (item, period, payer, payee), paid in owed.items()
    )
    return Decision(events=recovered)


# ---- revocation: DR-36 ----

Ending = ProposeRevocation | HearHolder | DecideRevocation | AppealRevocation | RuleOnAppeal | DelistTitle


def _end(state: State, command: Command, body: Ending, inputs: Inputs) -> Decision:
    """Proposed, heard, decided, perhaps appealed: each from the one before."""
    match body:
        case ProposeRevocation():
            _must_be(state, command, Status.ACTIVE)
            return Decision(events=(RevocationProposed(**body.model_dump(exclude={"kind"})),))
        case HearHolder():
            _must_be(state, command, Status.PROPOSED)
            return Decision(events=(RevocationHeard(**body.model_dump(exclude={"kind"})),))
        case DecideRevocation():
            return _decide_revocation(state, command, body, inputs)
        case AppealRevocation():
            _must_be(state, command, Status.REVOKED)
            if state.appealed:
                raise Refused("APPEAL_OVER", title=command.stream)
            return Decision(events=(RevocationAppealed(document=body.document, reason=body.reason),))
        case RuleOnAppeal():
            _must_be(state, command, Status.APPEALED)
            ruled = AppealRuled(outcome=body.outcome, reason=body.reason)
            return Decision(events=two_people(state, command, (ruled,)))
        case DelistTitle():
            _must_be(state, command, Status.ACTIVE)
            delisted = TitleDelisted(delisted_on=_today(command), reason=body.reason)
            return Decision(events=two_people(state, command, (delisted,)))


def _decide_revocation(state: State, command: Command, body: DecideRevocation, inputs: Inputs) -> Decision:
    """Nothing is deleted and nobody else's result changes; what rests on the title is flagged for people to look at."""
    _must_be(state, command, Status.HEARD)
    if body.outcome == "kept":
        kept = RevocationDecided(outcome="kept", reason=body.reason)
        return Decision(events=two_people(state, command, (kept,)))
    today = _today(command)
    declared = inputs.programme.title_of(state.title)
    years = declared.bar_years if declared else 0
    rests = resting_on(inputs.programme, state.title)
    dependents = tuple(one for one in inputs.held if one.title in rests and one.revoked_on is None)
    revoked = RevocationDecided(
        outcome="revoked",
        revoked_on=today,
        barred_until=years_after(today, years) if years else None,
        dependents=tuple(one.stream for one in dependents),
        reason=body.reason,
    )
    guards: tuple[Guard, ...] = tuple(HeadIs(stream=one.stream, seq=one.seq) for one in inputs.held)
    return Decision(events=two_people(state, command, (revoked,)), guards=guards)


def nomination_of(stream: str) -> str:
    """The nomination's stream that a title's stream belongs to."""
    _, cycle, nomination, _ = stream.split("/")
    return names.nomination_stream(cycle, nomination)
