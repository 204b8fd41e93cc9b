"""The log's tail, lost with an older backup of Postgres, given back from what Temporal's histories remember of it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from itertools import groupby

from temporalio.client import Client

from activities.deciding import Decider
from activities.folding import fold_cycle, fold_nomination, fold_round
from domain import allocation, rebuilding
from runtime.histories import remembered
from schemas import names
from schemas.canonical import seal
from schemas.errors import EngineError, Integrity, Refused
from schemas.events import (
    PINS,
    IntakeClosed,
    NominationCorrected,
    NominationSubmitted,
    QuotaRedistributed,
    TallySealed,
    read,
)
from schemas.ledger import Append, Effect, Frozen, Gate, Head, NewEvent, Provenance, RecordedEvent, SetGate
from schemas.programme import Intake
from schemas.sealed import entries_in
from store.ballots import BallotBox
from store.vault import Vault

Chain = tuple[RecordedEvent, ...]


class GivenBack(Frozen):
    """Events of one stream that are in the log again, with the bytes and hashes that they had."""

    stream: str
    first: int
    last: int


class Apart(Frozen):
    """A stream of which histories know an event that does not continue the log: it goes on otherwise, or one is missing."""

    stream: str
    seq: int


class Restored(Frozen):
    """What came back, what did not, and what of Postgres no history can know."""

    given_back: tuple[GivenBack, ...] = ()
    apart: tuple[Apart, ...] = ()
    documents_missing: tuple[str, ...] = ()  # hashes; `cycle start` with the same files puts them back
    ballots_short: tuple[str, ...] = ()  # sealed ballots whose papers are not all there
    entries_missing: int = 0  # vault entries that given-back events point at


class Restorer:
    """Gives a cycle's streams back what they lost. Workers are stopped meanwhile; doing it again does nothing more."""

    def __init__(self, decider: Decider, client: Client, ballots: BallotBox, vault: Vault) -> None:
        self._decider = Decider(decider.store, decider.clock)  # one that remembers nothing of the lost tail
        self._client = client
        self._ballots = ballots
        self._vault = vault

    async def restore(self, cycle: str) -> Restored:
        """Raises Conflict WRONG_EXPECTED_HEAD if somebody writes meanwhile, Refused for a place taken by another."""
        histories: defaultdict[str, dict[str, RecordedEvent]] = defaultdict(dict)
        async for event in remembered(self._client, cycle):
            histories[event.stream][event.hash] = event
        kept = await self._decider.store.load_many(list(histories))
        tails: dict[str, Chain] = {}
        apart = []
        for stream, events in sorted(histories.items()):
            tails[stream], lost = _continue(kept.get(stream, ()), events)
            if lost is not None:
                apart.append(Apart(stream=stream, seq=lost))
        tails = {stream: tail for stream, tail in tails.items() if tail}
        await self._give_back(tails)
        return Restored(
            given_back=tuple(
                GivenBack(stream=stream, first=tail[0].seq, last=tail[-1].seq)
                for stream, tail in tails.items()
            ),
            apart=tuple(apart),
            documents_missing=await self._documents_missing(tails),
            ballots_short=await self._ballots_short(cycle),
            entries_missing=await self._entries_missing(tails),
        )

    async def _give_back(self, tails: dict[str, Chain]) -> None:
        """Command by command, in the order in which they were recorded, each stream's own order kept."""
        for events in _in_order(tails):
            last = events[-1] is tails[events[0].stream][-1]
            effects = await self._places(events) + (await self._gates(events) if last else ())
            await self._decider.store.append(_again(events, effects))

    async def _places(self, events: Chain) -> tuple[Effect, ...]:
        """What a nomination took or gave back: its subject's place, its unit's quota, its ranks; what a unit gave away."""
        stream, cycle = events[0].stream, names.cycle_of(events[0].stream)
        if names.kind_of(stream) == "cycle":
            return await self._given_away(events)
        if names.kind_of(stream) != "nomination":
            return ()
        closed = [
            event.recorded
            for event in await self._decider.store.load(names.cycle_stream(cycle))
            if event.type == IntakeClosed.__name__
        ]
        state = (await self._decider.nominations.get(stream)).state
        effects: list[Effect] = []
        for recorded in events:
            event = read(recorded)
            submitted = event if isinstance(event, NominationSubmitted) else state.submitted
            assert submitted is not None
            held = await self._decider.store.claims(cycle, names.quota_scope(submitted.route, submitted.unit))
            if isinstance(event, NominationSubmitted):
                quota = await self._quota(event, recorded.rules)
                effects += rebuilding.entry_places(event, recorded.subject, quota, held)
            else:
                open_ = not closed or recorded.recorded < closed[0]
                effects += rebuilding.places(state, event, submitted.nomination, cycle, held, open_)
            state = fold_nomination(state, recorded)
        return tuple(effects)

    async def _given_away(self, events: Chain) -> tuple[Effect, ...]:
        """The places that units gave to others by these events of a cycle."""
        given: tuple[Effect, ...] = ()
        for recorded in events:
            moved = read(recorded)
            if isinstance(moved, QuotaRedistributed):
                given += await self._given_by(moved, recorded)
        return given

    async def _given_by(self, moved: QuotaRedistributed, recorded: RecordedEvent) -> tuple[Effect, ...]:
        cycle, store = names.cycle_of(recorded.stream), self._decider.store
        state = (await self._decider.cycles.get(recorded.stream)).state
        assert state.opened is not None
        programme = await self._decider.programme(recorded.rules)
        tree = await self._decider.tree(state.opened.units)
        claims = {
            scope: await store.claims(cycle, scope)
            for scope in allocation.scopes(programme, tree, moved.unit)
        }
        most = allocation.quota_of(programme, tree, moved.unit) + state.received.get(moved.unit, 0)
        return allocation.given_away(cycle, moved, most, claims)

    async def _quota(self, submitted: NominationSubmitted, rules: str) -> int | None:
        cycle = await self._decider.cycles.get(names.cycle_stream(submitted.cycle))
        assert cycle.state.opened is not None
        unit = (await self._decider.tree(cycle.state.opened.units)).by_code[submitted.unit]
        stage = (await self._decider.programme(rules)).stages[unit.rank]
        return next((unit.quota(step) for step in stage.steps if isinstance(step, Intake)), None)

    async def _gates(self, events: Chain) -> tuple[Effect, ...]:
        """The gates of a stream as they stand after its last events."""
        stream = events[0].stream
        cycle = await self._decider.cycles.get(names.cycle_stream(names.cycle_of(stream)))
        gates: tuple[Gate, ...] = ()
        match names.kind_of(stream):
            case "cycle":
                gates = rebuilding.cycle_gates(cycle.add(fold_cycle, events).state)
            case "round":
                round_ = (await self._decider.rounds.get(stream)).add(fold_round, events)
                gates = rebuilding.round_gates(round_.state, cycle.state)
        return tuple(SetGate(gate=gate) for gate in gates)

    # ---- what no history knows ----

    async def _documents_missing(self, tails: dict[str, Chain]) -> tuple[str, ...]:
        wanted: set[str] = set()
        for event in (read(event) for tail in tails.values() for event in tail):
            wanted |= {getattr(event, field) for field in PINS.get(type(event).__name__, ())}
        wanted |= {event.rules for tail in tails.values() for event in tail}
        missing = []
        for content_hash in sorted(wanted - {""}):
            try:
                await self._decider.store.document(content_hash)
            except Refused:
                missing.append(content_hash)
        return tuple(missing)

    async def _ballots_short(self, cycle: str) -> tuple[str, ...]:
        rounds_ = await self._decider.store.load_many(await self._decider.store.streams(f"round/{cycle}/"))
        sealed = [
            event.data
            for events in rounds_.values()
            for event in events
            if event.type == TallySealed.__name__
        ]
        return tuple([one["ballot"] for one in sealed if not await self._counts(one)])

    async def _counts(self, sealed: dict[str, object]) -> bool:
        with suppress(EngineError):
            return (await self._ballots.recount(str(sealed["ballot"]))).root == sealed["root"]
        return False

    async def _entries_missing(self, tails: dict[str, Chain]) -> int:
        count = 0
        for recorded in (event for tail in tails.values() for event in tail):
            event = read(recorded)
            form = event.entry if isinstance(event, NominationSubmitted | NominationCorrected) else ""
            for entry in (*filter(None, [form]), *entries_in(recorded.data)):
                try:
                    await self._vault.reveal(entry)
                except Refused as refusal:
                    count += refusal.code == "NOT_FOUND"
        return count


def _continue(kept: Chain, events: dict[str, RecordedEvent]) -> tuple[Chain, int | None]:
    """What continues the kept events, and the first that is remembered but fits nowhere."""
    known = {event.hash for event in kept}
    following = {event.prev: event for event in events.values() if event.hash not in known}
    head = Head(seq=kept[-1].seq, hash=kept[-1].hash) if kept else Head()
    tail: list[RecordedEvent] = []
    while (event := following.get(head.hash)) and event.seq == head.seq + 1:
        tail.append(event)
        head = Head(seq=event.seq, hash=event.hash)
    fitted = known | {event.hash for event in tail}
    apart = [event.seq for event in events.values() if event.hash not in fitted]
    return tuple(tail), min(apart, default=None)


def _again(events: Chain, effects: tuple[Effect, ...]) -> Append:
    """The append that wrote these events of one command; Integrity LOG_BROKEN if it would not write the same bytes."""
    first = events[0]
    request = Append(
        stream=first.stream,
        expected=Head(seq=first.seq - 1, hash=first.prev),
        provenance=Provenance(
            log=first.log,
            command_id=first.command_id,
            payload_hash=first.payload_hash,
            actor=first.actor,
            grant=first.grant,
            cause=first.cause,
            occurred_at=first.at,
            recorded_at=first.recorded,
            rules=first.rules,
        ),
        events=tuple(
            NewEvent(type=event.type, v=event.v, data=event.data, subject=event.subject) for event in events
        ),
        effects=effects,
    )
    if [sealed.event.hash for sealed in seal(request)] != [event.hash for event in events]:
        raise Integrity("LOG_BROKEN", stream=first.stream, seq=first.seq, fault="other bytes in a history")
    return request


def _in_order(tails: dict[str, Chain]) -> list[Chain]:
    """The commands of all tails by when they were recorded; none before what precedes it in its stream."""
    commands = []
    for tail in tails.values():
        latest = tail[0].recorded
        for _, group in groupby(tail, key=lambda event: event.command_id):
            events = tuple(group)
            latest = max(latest, events[0].recorded)
            commands.append((latest, events))
    return [events for _, events in sorted(commands, key=lambda one: (one[0], one[1][0].seq))]
