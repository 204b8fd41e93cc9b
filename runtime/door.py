"""The one way in for people's commands: stamped with cycle time, sent as an Update, answered with a receipt.

A command to a workflow that has ended is decided from the log, so that it is refused with its reason, never lost; if
the cycle is not over, its workflows are begun again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode
from uuid_utils import uuid7

from activities.deciding import Decider
from activities.errors import engine_error
from activities.opening import Opener, once_more, search_attributes, update_with_start
from domain import authority
from domain.title import nomination_of
from runtime import texts
from runtime.recovery import Recovered, Recovery
from runtime.restoring import Restorer
from runtime.settings import Login, Settings
from runtime.temporal import connect
from schemas import names
from schemas.canonical import canonical_bytes, digest
from schemas.commands import (
    OBJECTOR_ROLE,
    AmendRules,
    Body,
    ChangeTeam,
    Command,
    Correct,
    Decide,
    ErasePerson,
    ExtendCalendar,
    FamilyBody,
    FileObjection,
    GiveGrants,
    PersonBody,
    RecordHonour,
    Removal,
    ReplaceLeader,
    SubmitNomination,
)
from schemas.errors import BadFile, BadUsage, Refused, Unavailable, unopened
from schemas.events import (
    FactValue,
    GrantTerms,
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    PersonErased,
    TeamMember,
    read,
)
from schemas.ledger import Actor, Frozen, Receipt
from schemas.loading import open_programme
from schemas.messages import NominationOrder, PinnedCycle
from schemas.programme import Channel, SubjectType
from schemas.sealed import entries_in
from schemas.unit_files import Source, merge_units
from schemas.values import Pace
from store.ballots import BallotBox, Paper, PaperReceipt, token
from store.postgres import PostgresEventStore
from store.vault import Vault

REPEATABLE = ("endorse", "return", "reject", "withdraw")
"""Acts whose key follows from what they are, so that a double click is one act."""

WORDS = ("reason", "ground")
"""The fields of commands in which people write what they like."""

PATIENCE_SECONDS = 10
"""How long to try to reach Temporal: somebody waits for the answer."""


class MemberForm(Frozen):
    """A person in a team or studio; `identity` and `name` go to the vault and nowhere else."""

    identity: str
    name: str
    leader: bool = False


class NominationForm(Frozen):
    """What somebody hands in to nominate a subject. `identity`, `fields` and `members` go to the vault alone.

    A team without an identity of its own is known by its members and its leader (DR-05).
    """

    cycle: str
    unit: str
    route: str
    channel: Channel
    sponsors: tuple[str, ...] = ()
    identity: str = ""
    fields: dict[str, str]
    facts: tuple[FactValue, ...] = ()
    subject_type: SubjectType | None = None
    members: tuple[MemberForm, ...] = ()


def system_clock() -> datetime:
    """The machine's clock, read here and handed on."""
    return datetime.now(UTC)


class Door:
    """What people's commands need: the store, the vault, the ballot box and, where commands are sent, Temporal."""

    def __init__(
        self,
        settings: Settings,
        store: PostgresEventStore,
        vault: Vault,
        ballots: BallotBox,
        client: Client | None,
        clock: Callable[[], datetime] = system_clock,
    ) -> None:
        self.settings = settings
        self.store = store
        self.vault = vault
        self.ballots = ballots
        self.client = client
        self.decider = Decider(store, clock)
        self._opener = Opener(self.decider, client, settings.task_queue)
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, temporal: bool = True) -> AsyncIterator[Door]:
        """Connects; without Temporal only what the log itself can answer works."""
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(PostgresEventStore(settings.dsn(Login.APP)))
            vault = await stack.enter_async_context(Vault(settings.dsn(Login.VAULT), settings.kek()))
            ballots = await stack.enter_async_context(BallotBox(settings.dsn(Login.APP)))
            client = await connect(settings, patience_seconds=PATIENCE_SECONDS) if temporal else None
            yield cls(settings, store, vault, ballots, client)

    async def now(self, cycle: str) -> datetime:
        """The cycle's time; Refused NOT_FOUND for a cycle that was never opened."""
        return (await self._pace(cycle)).cycle_time(self._clock())

    async def send(self, stream: str, body: Body, actor: Actor, key: str = "") -> Receipt:
        """Sends one command and waits until it is durable. Raises the EngineError with which it was refused."""
        command = await self.command(stream, body, actor, key)
        try:
            return await self._deliver(command)
        except Refused as refusal:
            if not any(entries_in(refusal.facts)):
                raise
            raise Refused(refusal.code, **await texts.read(self.vault, refusal.facts)) from refusal

    async def command(self, stream: str, body: Body, actor: Actor, key: str = "") -> Command:
        """The command as it is sent: stamped with cycle time, its words about a person in the vault."""
        body = await self._sealed(stream, body)
        cycle = body.cycle if isinstance(body, FamilyBody) else names.cycle_of(stream)
        if isinstance(body, GiveGrants):  # not where it is decided: logs hold grants in roles that are none
            _must_be_roles(body.grants, await self.roles(cycle))
        return Command(
            id=key or await self._key(stream, body, actor),
            stream=stream,
            actor=actor,
            received_at=await self.now(cycle),
            body=body,
        )

    # ---- a cycle ----

    async def roles(self, cycle: str) -> tuple[str, ...]:
        """The roles that may be given under the rules in force; Refused NOT_FOUND for a cycle that was never opened."""
        folded = await self.decider.cycles.get(names.cycle_stream(cycle))
        if folded.state.opened is None:
            raise Refused("NOT_FOUND", what=cycle)
        return authority.roles_of(await self.decider.programme(folded.rules))

    async def start_cycle(
        self,
        programme: Path,
        *,
        operators: tuple[str, ...],
        label: str = "",
        period: str = "",
        units: tuple[Source, ...] = (),
        seats: Mapping[str, Mapping[str, int]] | None = None,
        grants: tuple[GrantTerms, ...] = (),
        invited: tuple[str, ...] = (),
        pace: Pace | None = None,
        calendar: Path | None = None,
    ) -> Receipt:
        """Pins the programme, the units and the calendar, opens the cycle and founds its grants; again gives the same.

        `seats` is an allocation, the figures that it gives a unit by the unit's code (DR-06).

        Raises BadFile for a file with faults, Conflict CYCLE_EXISTS where the same edition runs under other rules.
        """
        pinned = await self.pin(
            programme,
            operators=operators,
            label=label,
            period=period,
            units=units,
            seats=seats,
            grants=grants,
            invited=invited,
            calendar=calendar,
        )
        now = self._clock()
        receipt = await self._opener.open(
            pinned, now, pace or Pace(real_epoch=now, cycle_epoch=now), str(uuid7())
        )
        if receipt.repeated:
            await self.recovery().restart(names.cycle_of(receipt.stream))
        return receipt

    async def pin(
        self,
        programme: Path,
        *,
        operators: tuple[str, ...],
        label: str = "",
        period: str = "",
        units: tuple[Source, ...] = (),
        seats: Mapping[str, Mapping[str, int]] | None = None,
        grants: tuple[GrantTerms, ...] = (),
        invited: tuple[str, ...] = (),
        calendar: Path | None = None,
    ) -> PinnedCycle:
        """The files, read and kept as documents: what a cycle opened now, or by a schedule, runs by.

        What is refused here is refused before anything is open: BadFile, BadUsage for a label that is none, Refused
        NOT_FOUND for units that are invited, or that grants are over, and are not there, ROLE_UNKNOWN.
        """
        if label and not names.is_label(label):
            raise BadUsage("ADDRESS", written=label, expected="LABEL (A-Z a-z 0-9 _ - .)")
        opened = open_programme(programme)
        tree = opened.units
        for file in units:
            tree = merge_units(tree, file)
        tree = tree.allotted(seats or {})
        named = (*invited, *(one.unit for one in grants))
        astray = dict.fromkeys(unit for unit in named if unit not in tree.by_code)
        if astray:
            raise Refused("NOT_FOUND", what=", ".join(astray))
        _must_be_roles(grants, authority.roles_of(opened.programme))
        overrides = await self._put_days(calendar)
        return PinnedCycle(
            programme=opened.programme.programme,
            edition=opened.programme.edition,
            root=tree.root,
            rules=await self.store.put_document("programme", canonical_bytes(opened.programme)),
            units=await self.store.put_document("units", canonical_bytes(tree)),
            overrides=overrides,
            operators=operators,
            grants=grants,
            invited=invited,
            label=label,
            period=period,
        )

    async def amend(self, cycle: str, programme: Path, reason: str, actor: Actor, key: str = "") -> Receipt:
        """Asks for other rules for the stages that have not begun; the second person's request brings them."""
        amended = open_programme(programme).programme
        rules = await self.store.put_document("programme", canonical_bytes(amended))
        return await self.send(names.cycle_stream(cycle), AmendRules(rules=rules, reason=reason), actor, key)

    async def extend_calendar(
        self, cycle: str, file: Path | None, reason: str, actor: Actor, key: str = ""
    ) -> Receipt:
        """Asks for the years that are known by now, or that the file adds; the second person's request brings them."""
        stream = names.cycle_stream(cycle)
        pinned = (await self.decider.state(stream)).overrides
        overrides = await self.decider.pin_calendar(pinned, await self._put_days(file))
        return await self.send(stream, ExtendCalendar(overrides=overrides, reason=reason), actor, key)

    async def _put_days(self, file: Path | None) -> str:
        """The hash of the file's days, kept as a document; empty without a file."""
        return await self.store.put_document("calendar", canonical_bytes(_overrides(file))) if file else ""

    def recovery(self) -> Recovery:
        """What begins workflows again."""
        assert self.client is not None
        return Recovery(self.decider, self.client, self.settings.task_queue)

    async def recover(self, cycle: str) -> Recovered:
        """After a loss of either store; raises as `Recovery.recover` does."""
        assert self.client is not None
        restorer = Restorer(self.decider, self.client, self.ballots, self.vault)
        return await self.recovery().recover(cycle, restorer)

    # ---- nominations, objections, votes ----

    async def nominate(self, form: NominationForm, actor: Actor, key: str = "") -> tuple[str, Receipt]:
        """Seals the person in the vault, then submits; the same key gives the same nomination and receipt."""
        key = key or str(uuid7())
        members = await self._seal_members(form.cycle, form.members, key)
        identity = form.identity or _team_identity(members)
        deposit = await self.vault.deposit(identity, form.fields, f"{form.cycle}/{key}")
        nomination = digest(f"{form.cycle}/{key}".encode())[:16]
        body = SubmitNomination(
            nomination=nomination,
            cycle=form.cycle,
            unit=form.unit,
            route=form.route,
            channel=form.channel,
            sponsors=form.sponsors,
            subject=deposit.subject_id,
            entry=deposit.entry_id,
            commitment=deposit.commitment,
            facts=form.facts,
            subject_type=form.subject_type,
            members=members,
        )
        receipt = await self.send(
            names.nomination_stream(form.cycle, nomination), body, actor, f"submit/{key}"
        )
        return nomination, receipt

    async def change_team(
        self, cycle: str, nomination: str, members: tuple[MemberForm, ...], actor: Actor, key: str = ""
    ) -> Receipt:
        """All members of a nomination anew, before they are frozen."""
        key = key or str(uuid7())
        body = ChangeTeam(members=await self._seal_members(cycle, members, key))
        return await self.send(names.nomination_stream(cycle, nomination), body, actor, f"team/{key}")

    async def _seal_members(
        self, cycle: str, members: tuple[MemberForm, ...], key: str
    ) -> tuple[TeamMember, ...]:
        sealed = []
        for number, one in enumerate(members, 1):
            deposit = await self.vault.deposit(one.identity, {"name": one.name}, f"{cycle}/{key}/{number}")
            member = TeamMember(
                subject=deposit.subject_id,
                entry=deposit.entry_id,
                commitment=deposit.commitment,
                leader=one.leader,
            )
            sealed.append(member)
        return tuple(sealed)

    async def subject_of(self, cycle: str, identity: str = "", nomination: str = "") -> str:
        """The subject id of an identity, new to the vault or not, or of a nomination; Refused NOT_FOUND."""
        if identity:
            return (await self.vault.deposit(identity, {}, f"{cycle}/{uuid7()}")).subject_id
        stream = names.nomination_stream(cycle, nomination)
        subject = (await self.decider.nominations.get(stream)).state.subject
        if not subject:
            raise Refused("NOT_FOUND", what=stream)
        return subject

    async def correct(
        self,
        cycle: str,
        nomination: str,
        fields: dict[str, str],
        facts: tuple[FactValue, ...],
        actor: Actor,
        key: str = "",
    ) -> Receipt:
        """A new revision; changed personal fields make a new vault entry of the same subject."""
        stream = names.nomination_stream(cycle, nomination)
        key = key or str(uuid7())
        entry = commitment = ""
        if fields:
            subject = (await self.decider.nominations.get(stream)).state.subject
            deposit = await self.vault.deposit_for(subject, fields, f"{cycle}/{key}")
            entry, commitment = deposit.entry_id, deposit.commitment
        body = Correct(facts=facts, entry=entry, commitment=commitment)
        return await self.send(stream, body, actor, f"correct/{key}")

    async def record_honour(
        self, cycle: str, nomination: str, body: RecordHonour, actor: Actor, key: str = ""
    ) -> Receipt:
        """An honour of elsewhere for a nomination's subject (DR-43); the same one again is the same stream."""
        honour = f"honour-{digest(canonical_bytes(body))[:16]}"
        stream = names.title_stream(cycle, nomination, honour)
        return await self.send(stream, body, actor, key or f"{honour}/{actor.id}")

    async def replace_leader(
        self, stream: str, identity: str, fields: dict[str, str], reason: str, actor: Actor, key: str = ""
    ) -> Receipt:
        """Another leads the studio; who it is goes to the vault and is only pointed at (DR-35)."""
        key = key or str(uuid7())
        deposit = await self.vault.deposit(identity, fields, f"{stream}/{key}")
        body = ReplaceLeader(
            leader=deposit.subject_id, entry=deposit.entry_id, commitment=deposit.commitment, reason=reason
        )
        return await self.send(stream, body, actor, f"leader/{key}")

    async def erase(
        self, cycle: str, subject: str, body: ErasePerson, actor: Actor, key: str = ""
    ) -> tuple[Receipt, bool]:
        """The event first, then the key; again does what a crash between the two left. Whether the person is erased.

        Raises Refused LEGAL_HOLD, SECOND_PERSON_REQUIRED, and NOT_FOUND for a subject whom the vault does not know.
        """
        if not await self.vault.knows(subject):
            raise Refused("NOT_FOUND", what=f"subject {subject}")
        receipt = await self.send(names.person_stream(cycle, subject), body, actor, key)
        erased = any(event.type == PersonErased.__name__ for event in receipt.events)
        if erased:
            await self.vault.erase(subject)
        return receipt, erased

    async def erase_again(self) -> int:
        """Everybody whom the log says is erased, whatever an older backup of the vault brought back; how many."""
        erased = [
            names.subject_of(stream)
            for stream in await self.store.streams("person/")
            if (await self.decider.persons.get(stream)).state.erased
        ]
        for subject in erased:
            with suppress(Refused):  # whom the older vault does not know yet
                await self.vault.erase(subject)
        return len(erased)

    async def object_to(
        self,
        cycle: str,
        nomination: str,
        objector_identity: str,
        objector_fields: dict[str, str],
        ground: str,
        actor: Actor,
        anonymous: bool = False,
        key: str = "",
        evidence: str | None = None,
        postmark: date | None = None,
    ) -> tuple[str, Receipt]:
        """Files an objection; who objects is sealed in the vault and only pointed at, also where they act themselves.

        The objection's id is the same for the same person, round and ground: a repeat is OBJECTION_EXISTS with it.
        """
        stream = names.nomination_stream(cycle, nomination)
        key = key or str(uuid7())
        anonymous = anonymous or not objector_identity
        identity = objector_identity or f"anonymous/{key}"
        deposit = await self.vault.deposit(identity, objector_fields, f"{cycle}/{key}")
        round_ = await self._published_in(stream)
        objection = (await self.vault.mark(deposit.subject_id, f"{stream}/{round_}/{ground}"))[:16]
        body = FileObjection(
            objection=objection,
            round=round_,
            entry=deposit.entry_id,
            commitment=deposit.commitment,
            ground=ground,
            anonymous=anonymous,
            evidence=evidence,
            postmark=postmark,
        )
        if actor.role == OBJECTOR_ROLE:
            actor = Actor(id=f"objector-{objection}", role=OBJECTOR_ROLE)
        return objection, await self.send(stream, body, actor, f"object/{key}")

    async def objector(
        self, cycle: str, nomination: str, objection: str, actor: Actor
    ) -> tuple[dict[str, str], str]:
        """Who filed an objection and on what ground, for the handler of its round alone; Refused NOT_AUTHORISED, NOT_FOUND, ERASED."""
        stream = names.nomination_stream(cycle, nomination)
        filed = {
            one.objection: one
            for event in map(read, await self.store.load(stream))
            if isinstance(one := event, ObjectionFiled | ObjectionMerged | ObjectionRefused)
        }.get(objection)
        if filed is None:
            raise Refused("NOT_FOUND", what=f"{stream}/{objection}")
        state = (await self.decider.nominations.get(stream)).state
        first = state.objections[filed.into if isinstance(filed, ObjectionMerged) else objection]
        opened = (await self.decider.cycles.get(names.cycle_stream(cycle))).state.opened
        assert opened is not None
        grants = (await self.decider.authorities.get(names.authority_stream(cycle))).state
        tree = await self.decider.tree(opened.units)
        authority.authorize(grants, tree, actor, "rule", first.round.rsplit("/", 1)[-1])
        ground: str = await texts.read(self.vault, first.ground)
        return await self.vault.reveal(filed.entry), ground

    async def _published_in(self, stream: str) -> str:
        """The round that published the nomination last; the present one if none did."""
        state = (await self.decider.nominations.get(stream)).state
        below = [replace(state, level=level).round for level in range(state.level, -1, -1)]
        for round_ in below:
            if stream.rsplit("/", 1)[-1] in (await self.decider.rounds.get(round_)).state.published:
                return round_
        return state.round

    async def cast_vote(
        self,
        cycle: str,
        ballot: str,
        voter: str,
        choices: tuple[str, ...],
        paper: str,
        channel: str = "web",
    ) -> PaperReceipt:
        """One ballot paper, straight into the box; stamped with cycle time here. Voter and paper go through `token`.

        A paper that is there, on whatever day, has its first receipt.
        """
        handed_in = Paper(
            ballot=ballot,
            voter=token(voter),
            paper_id=token(paper),
            choices=await self.ballots.places(ballot, choices),
            channel=channel,
            received_at=await self.now(cycle),
        )
        return await self.ballots.find(handed_in) or await self.ballots.submit(handed_in)

    # ---- on the way ----

    async def _sealed(self, stream: str, body: Body) -> Body:
        """The body with references in place of words about a person: a log is for ever, and they must not be."""
        if isinstance(body, Decide):
            removed = [await self._sealed_removal(stream, one) for one in body.remove]
            return body.model_copy(update={"remove": tuple(removed)})
        subject = await self._subject_about(stream, body)
        words = {name: text for name in WORDS if (text := getattr(body, name, ""))} if subject else {}
        return body.model_copy(
            update={
                name: await texts.write(self.vault, subject, stream, text) for name, text in words.items()
            }
        )

    async def _sealed_removal(self, stream: str, removal: Removal) -> Removal:
        subject = await self._nominated(names.cycle_of(stream), removal.nomination)
        if not subject:
            return removal
        return removal.model_copy(
            update={"reason": await texts.write(self.vault, subject, stream, removal.reason)}
        )

    async def _subject_about(self, stream: str, body: Body) -> str:
        """Whom a command's words are about; '' if about nobody, or if they stay in the log on purpose."""
        if isinstance(body, PersonBody):
            return ""
        cycle = names.cycle_of(stream)
        match names.kind_of(stream):
            case "nomination":
                return (await self.decider.nominations.get(stream)).state.subject
            case "title" if isinstance(body, RecordHonour):
                return await self._nominated(cycle, nomination_of(stream))
            case "title":
                return (await self.decider.titles.get(stream)).state.subject
            case "points":
                return names.subject_of(stream)
            case "register":
                return getattr(body, "subject", "")
            case _:
                return await self._nominated(cycle, getattr(body, "nomination", ""))

    async def _nominated(self, cycle: str, nomination: str) -> str:
        """The subject of a nomination; '' where there is none."""
        if not nomination:
            return ""
        return (await self.decider.nominations.get(names.nomination_stream(cycle, nomination))).state.subject

    async def _pace(self, cycle: str) -> Pace:
        state = (await self.decider.cycles.get(names.cycle_stream(cycle))).state
        if state.opened is None:
            raise Refused("NOT_FOUND", what=cycle)
        return state.opened.pace

    async def _key(self, stream: str, body: Body, actor: Actor) -> str:
        if body.kind not in REPEATABLE:
            return str(uuid7())
        state = (await self.decider.nominations.get(stream)).state
        stands = sorted(given.command for given in state.endorsed.values())  # a rank may be changed back
        content = canonical_bytes(
            {"body": body, "actor": actor, "revision": state.revision, "stands": stands}
        )
        return f"{body.kind}/{stream}/{digest(content)[:16]}"

    async def _deliver(self, command: Command) -> Receipt:
        if isinstance(command.body, FamilyBody):  # nothing waits for these: they have no workflow
            return await self.decider.execute(command)
        kind = names.kind_of(command.stream)
        if kind == "nomination":
            return await self._to_nomination(command)
        if kind == "title":
            return await self.decider.execute(command)
        workflow = (
            names.cycle_stream(names.cycle_of(command.stream)) if kind == "authority" else command.stream
        )
        assert self.client is not None
        try:
            handle = self.client.get_workflow_handle(workflow)
            return await once_more(
                lambda _: handle.execute_update(
                    names.COMMAND_UPDATE, command, id=_attempt(command), result_type=Receipt
                )
            )
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as fault:
            if getattr(fault, "status", None) != RPCStatusCode.NOT_FOUND:
                raise Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault) from fault
            return await self._from_the_log(command)
        except WorkflowUpdateFailedError as failure:
            raise engine_error(failure) or failure from failure

    async def _from_the_log(self, command: Command) -> Receipt:
        """The log decides; where it says that the cycle is not over, the workflows are begun again beside it."""
        try:
            return await self.decider.execute(command)
        finally:
            await self.recovery().restart(names.cycle_of(command.stream))

    async def _to_nomination(self, command: Command) -> Receipt:
        cycle = names.cycle_of(command.stream)
        order = NominationOrder(stream=command.stream, pace=await self._pace(cycle))
        start: Callable[[], WithStartWorkflowOperation[Any, Any]] = partial(
            WithStartWorkflowOperation,
            "Nomination",
            order,
            id=command.stream,
            task_queue=self.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            search_attributes=await self._entry_attributes(cycle, command),
        )
        assert self.client is not None
        return await update_with_start(self.client, command, start, _attempt(command))

    async def _entry_attributes(self, cycle: str, command: Command) -> TypedSearchAttributes | None:
        """What a nomination can be found by: where it entered. Only its submission starts it anew in Temporal."""
        if not isinstance(command.body, SubmitNomination):
            return None
        opened = (await self.decider.cycles.get(names.cycle_stream(cycle))).state.opened
        assert opened is not None
        unit = (await self.decider.tree(opened.units)).by_code.get(command.body.unit)
        return search_attributes(opened.programme, cycle, unit.code, unit.rank) if unit else None


def _attempt(command: Command) -> str:
    """An id of its own for each attempt: the log keeps a command to one effect, Temporal would keep its first refusal."""
    return f"{command.id}#{uuid7()}"


def _must_be_roles(grants: Iterable[GrantTerms], known: tuple[str, ...]) -> None:
    """Refused ROLE_UNKNOWN: nobody could ever act by such a grant."""
    unknown = dict.fromkeys(one.role for one in grants if one.role not in known)
    if unknown:
        raise Refused("ROLE_UNKNOWN", role=", ".join(unknown), known=", ".join(known))


def _team_identity(members: tuple[TeamMember, ...]) -> str:
    """What tells teams apart: the set of members, and who leads them. Refused MEMBERS_INVALID without any."""
    if not members:
        raise Refused("MEMBERS_INVALID", fault="0")
    leaders = sorted(one.subject for one in members if one.leader)
    return "team:" + "/".join([*leaders, "", *sorted(one.subject for one in members)])


def _overrides(file: Path) -> list[dict[str, object]]:
    """A JSON object of ISO dates to true (worked) or false, as it is kept; BadFile FILE_FAULTS for anything else."""
    try:
        overrides = json.loads(file.read_text("utf-8"))
        return [
            {"day": date.fromisoformat(day).isoformat(), "worked": _as_boolean(worked)}
            for day, worked in sorted(overrides.items())
        ]
    except OSError as fault:
        raise unopened(file, fault) from fault
    except (ValueError, TypeError, AttributeError) as fault:
        told = f"{file}: 应为日期到 true 或 false 的 JSON 对象 / a JSON object of ISO dates to true or false: {fault}"
        raise BadFile("FILE_FAULTS", (told,), file=file, count=1) from fault


def _as_boolean(worked: object) -> bool:
    if not isinstance(worked, bool):
        raise TypeError(f"{worked!r} is neither true nor false")
    return worked
