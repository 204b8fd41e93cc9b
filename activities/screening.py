"""The rules against stuffing run over a ballot's papers: three readings, the papers they name marked, then the event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from activities.deciding import Decider
from domain.round import State, StepRun, run_of
from domain.stuffing import Found, Screening, Span, rules_version
from proof.merkle import Frontier, leaf
from schemas import names
from schemas.commands import Command, FoundCohort, HoldVotes
from schemas.errors import Refused
from schemas.events import BallotOpened, read
from schemas.ledger import Receipt
from schemas.programme import PublicVote
from schemas.traces import Traced, milliseconds
from store.screening import Traces

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


class Screener:
    """Runs the rules of a public vote and holds what they find; again finds nothing new."""

    def __init__(self, decider: Decider, traces: Traces) -> None:
        self._decider = decider
        self._traces = traces

    async def screen(self, command: Command, step: PublicVote) -> Receipt:
        """One run, alone on its ballot: what an interrupted run has marked belongs to the next one."""
        ballot = names.step_gate(command.stream, step.id)
        async with self._traces.alone(ballot):
            state = (await self._decider.rounds.get(command.stream)).state
            body = await self._found(state, ballot, step)
            id = f"{command.stream}/{step.id}/screening/{body.screening}"
            return await self._decider.execute(command.model_copy(update={"id": id, "body": body}))

    async def _found(self, state: State, ballot: str, step: PublicVote) -> HoldVotes:
        assert step.stuffing is not None
        run = run_of(state, step.id)
        number = run.screened + 1
        candidates = await frozen_candidates(self._decider, state.stream, step.id)
        papers = await self._traces.papers(ballot)
        screening = Screening(step.stuffing, len(candidates), freezes(run, candidates), papers)
        async for page in self._traces.traces(ballot):
            await asyncio.to_thread(screening.watch, page)
        screening.watched()
        async for page in self._traces.traces(ballot):
            await asyncio.to_thread(screening.count, page)
        evidence = {(one.rule, one.candidate): one for one in screening.counted()}
        async for page in self._traces.traces(ballot):
            await self._traces.mark(
                ballot, await asyncio.to_thread(_named, screening, number, page, candidates)
            )
        return HoldVotes(
            step=step.id,
            screening=number,
            rules=rules_version(step.stuffing),
            papers=screening.papers,
            cohorts=await self._cohorts(ballot, number, candidates, screening, evidence),
        )

    async def _cohorts(
        self,
        ballot: str,
        number: int,
        candidates: tuple[str, ...],
        screening: Screening,
        evidence: Mapping[tuple[str, int], Found],
    ) -> tuple[FoundCohort, ...]:
        """As the marks have them, each with the root over its papers."""
        cohorts = []
        for cohort in await self._traces.cohorts(ballot, f"{number}/"):
            _, rule, nomination = cohort.split("/")
            tree = Frontier()
            async for paper, voter in self._traces.marked(ballot, cohort):
                tree.append(leaf(paper + voter))
            place = candidates.index(nomination)
            found = evidence.get((rule, place))
            cohorts.append(
                FoundCohort(
                    cohort=cohort,
                    rule=rule,
                    nomination=nomination,
                    papers=tree.size,
                    of=screening.votes[place],
                    root=tree.root().hex(),
                    evidence=dict(found.evidence) if found else {},
                )
            )
        return tuple(cohorts)


def _named(
    screening: Screening, number: int, page: list[Traced], candidates: tuple[str, ...]
) -> list[tuple[str, Traced]]:
    """The papers of a page that are in a cohort, with its name."""
    named = [(screening.name(one), one) for one in page]
    return [
        (f"{number}/{cohort[0]}/{candidates[cohort[1]]}", one) for cohort, one in named if cohort is not None
    ]
