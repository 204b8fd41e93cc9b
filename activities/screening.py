"""The rules against stuffing run over a ballot's papers: three readings, the papers they name marked, then the event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from activities.deciding import Decider
from domain.round import StepRun, run_of
from domain.stuffing import Found, Screening, Span, rules_version
from proof.merkle import Frontier, leaf
from schemas import names
from schemas.commands import Command, FoundCohort, HoldVotes
from schemas.errors import Refused
from schemas.events import BallotOpened, read
from schemas.ledger import Receipt
from schemas.programme import PublicVote
from schemas.traces import Traced, milliseconds
from store.screening import Marking, Traces

_NEVER = 2**53


def freezes(run: StepRun, candidates: tuple[str, ...]) -> dict[int, list[Span]]:
    """When each candidate was frozen, or still is."""
    spans: dict[int, list[Span]] = {}
    still = [(one, milliseconds(since), _NEVER) for one, since in run.frozen.items() if one]
    over = [(one, milliseconds(since), milliseconds(until)) for one, since, until in run.thawed if one]
    for nomination, since, until in (*over, *still):
        spans.setdefault(candidates.index(nomination), []).append((since, until))
    return spans


async def frozen_candidates(decider: Decider, stream: str, step: str) -> tuple[str, ...]:
    """Who is on the paper of a public vote: those of its opening, whoever left since; Refused NOT_FOUND."""
    for recorded in await decider.store.load(stream):
        event = read(recorded)
        if isinstance(event, BallotOpened) and event.step == step:
            return event.candidates
    raise Refused("NOT_FOUND", what=f"{stream}/{step}")


@dataclass(frozen=True, slots=True)
class _Screened:
    """What one screening has seen and named, by the candidates' places on the paper."""

    number: int
    candidates: tuple[str, ...]
    papers: int
    votes: Mapping[int, int]
    evidence: Mapping[tuple[str, int], Found]


class Screener:
    """Runs the rules of a public vote and holds what they find; again finds nothing new.

    Where two screenings go on at once, since one was given up and lives on, each has marks of its own; the later one
    tells also what the earlier has not told, the earlier tells nothing after it, and no cohort grows once it is told.
    """

    def __init__(self, decider: Decider, traces: Traces) -> None:
        self._decider = decider
        self._traces = traces

    async def screen(self, command: Command, step: PublicVote) -> Receipt:
        """Marks, alone on the ballot, and then the event; decided again if another screening's came in between."""
        ballot = names.step_gate(command.stream, step.id)
        known = await self._known(command.stream, step)
        async with self._traces.screening(ballot, known.screened) as marking:
            screened = await self._marked(command.stream, step, marking)
        id = f"{command.stream}/{step.id}/screening/{screened.number}"
        while True:
            known = await self._known(command.stream, step)
            body = await self._to_tell(ballot, step, screened, known)
            receipt = await self._decider.execute(command.model_copy(update={"id": id, "body": body}))
            if receipt.events or (await self._known(command.stream, step)).cohorts == known.cohorts:
                return receipt

    async def _known(self, stream: str, step: PublicVote) -> StepRun:
        return run_of((await self._decider.rounds.get(stream)).state, step.id)

    async def _marked(self, stream: str, step: PublicVote, marking: Marking) -> _Screened:
        """Three readings; what the third names is marked."""
        assert step.stuffing is not None
        ballot = names.step_gate(stream, step.id)
        candidates = await frozen_candidates(self._decider, stream, step.id)
        frozen = freezes(await self._known(stream, step), candidates)
        screening = Screening(step.stuffing, len(candidates), frozen, await self._traces.papers(ballot))
        async for page in self._traces.traces(ballot):
            await asyncio.to_thread(screening.watch, page)
        screening.watched()
        async for page in self._traces.traces(ballot):
            await asyncio.to_thread(screening.count, page)
        evidence = {(one.rule, one.candidate): one for one in screening.counted()}
        async for page in self._traces.traces(ballot):
            await marking.mark(await asyncio.to_thread(_named, screening, marking.number, page, candidates))
        return _Screened(marking.number, candidates, screening.papers, screening.votes, evidence)

    async def _to_tell(self, ballot: str, step: PublicVote, screened: _Screened, known: StepRun) -> HoldVotes:
        """With every cohort that no event tells yet: of this screening, and of those before that broke off."""
        assert step.stuffing is not None
        marked = [one for one in await self._traces.cohorts(ballot) if _number(one) <= screened.number]
        fresh = [one for one in marked if one not in known.cohorts]
        return HoldVotes(
            step=step.id,
            screening=screened.number,
            rules=rules_version(step.stuffing),
            papers=screened.papers,
            cohorts=tuple([await self._cohort(ballot, one, screened) for one in fresh]),
        )

    async def _cohort(self, ballot: str, cohort: str, screened: _Screened) -> FoundCohort:
        """As the marks have it, with the root over its papers."""
        _, rule, nomination = cohort.split("/")
        tree = Frontier()
        async for paper, voter in self._traces.marked(ballot, cohort):
            tree.append(leaf(paper + voter))
        place = screened.candidates.index(nomination)
        found = screened.evidence.get((rule, place))
        return FoundCohort(
            cohort=cohort,
            rule=rule,
            nomination=nomination,
            papers=tree.size,
            of=screened.votes[place],
            root=tree.root().hex(),
            evidence=dict(found.evidence) if found else {},
        )


def _number(cohort: str) -> int:
    """The screening that marked it."""
    return int(cohort.partition("/")[0])


def _named(
    screening: Screening, number: int, page: list[Traced], candidates: tuple[str, ...]
) -> list[tuple[str, Traced]]:
    """The papers of a page that are in a cohort, with its name."""
    named = [(screening.name(one), one) for one in page]
    return [
        (f"{number}/{cohort[0]}/{candidates[cohort[1]]}", one) for cohort, one in named if cohort is not None
    ]
