"""Who judges: a panel named or drawn by lot, its chair, replacements, and recusal from declared ties (回避, DR-13)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain import authority, lots
from domain.decision import NOTHING, Decision, two_people
from domain.round import State, StepRun, must_be_current, run_of
from domain.steps import Inputs, cycle_guard, window_guards
from schemas.commands import Command, DeclareTies, DrawPanel, FormPanel, NameChair, ReplaceJudge
from schemas.errors import Refused
from schemas.events import ChairNamed, JudgeRecused, JudgeReplaced, Lot, PanelDrawn, PanelFormed
from schemas.programme import Draw, ExpertReview

SAME_UNIT = "same_unit"


def form_panel(
    state: State, command: Command, body: FormPanel, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """As many different judges as the programme says, before the first sheet; where it draws lots, nobody is named."""
    run = must_be_current(state, step.id, body.kind)
    if step.draw is not None:
        raise Refused("DRAWN_BY_LOT", step=step.id)
    if len(set(body.judges)) != step.panel_size or len(body.judges) != step.panel_size:
        raise Refused("PANEL_SIZE", needed=step.panel_size, have=len(set(body.judges)))
    if run.judges:
        if run.judges == body.judges:
            return NOTHING
        raise Refused("PANEL_FORMED", step=step.id)
    formed = PanelFormed(step=step.id, judges=body.judges)
    events = (formed, *_same_unit(state, inputs, step.id, body.judges))
    return Decision(events=events, guards=window_guards(state, command, step.id), grant=grant)


def draw_panel(
    state: State, command: Command, body: DrawPanel, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """By lot, once: pool, seed and algorithm are written down, so that anybody can draw it again."""
    run = must_be_current(state, step.id, body.kind)
    if step.draw is None:
        raise Refused("STAGE_MISMATCH", current=step.id, action=body.kind)
    if run.judges:
        raise Refused("PANEL_FORMED", step=step.id)
    pool = tuple(_pool(state, inputs, step.draw))
    _must_suffice(pool, step, step.draw)
    judges = lots.draw(body.seed, pool, step.panel_size, step.draw.kinds)
    drawn = PanelDrawn(
        step=step.id,
        pool=pool,
        pool_hash=lots.pool_hash(pool),
        seed=body.seed,
        seed_source=body.seed_source,
        algorithm=lots.ALGORITHM,
        judges=judges,
    )
    events = (drawn, *_same_unit(state, inputs, step.id, judges))
    return Decision(events=events, guards=window_guards(state, command, step.id), grant=grant)


def _pool(state: State, inputs: Inputs, draw: Draw) -> Iterator[Lot]:
    """Who holds a grant in one of the pool's roles, once, by id; without those of a member's unit if so declared."""
    kinds: dict[str, str] = {}
    for grant in inputs.authority.grants.values():
        if grant.role in draw.roles:
            kind = grant.role.partition(":")[2]
            kinds[grant.person] = kinds.get(grant.person) or kind
    for person, kind in sorted(kinds.items()):
        tied = any(_belongs(state, inputs, person, id) for id in state.members)
        if not (draw.exclude_same_unit and tied):
            yield Lot(person=person, kind=kind)


def _must_suffice(pool: tuple[Lot, ...], step: ExpertReview, draw: Draw) -> None:
    for kind, least in draw.kinds.items():
        have = sum(lot.kind == kind for lot in pool)
        if have < least:
            raise Refused("POOL_TOO_SMALL", kind=kind, needed=least, have=have)
    if len(pool) < step.panel_size:
        raise Refused("POOL_TOO_SMALL", kind=draw.pool_role, needed=step.panel_size, have=len(pool))


def name_chair(state: State, command: Command, body: NameChair, step: ExpertReview, grant: str) -> Decision:
    """The chair is a judge of the panel, the secretary is none."""
    run = must_be_current(state, step.id, body.kind)
    if body.chair not in run.judges:
        raise Refused("NOT_ON_PANEL", actor=body.chair)
    if body.secretary in run.judges:
        raise Refused("KEEPER_IS_JUDGE", actor=body.secretary)
    named = ChairNamed(step=step.id, chair=body.chair, secretary=body.secretary)
    if (run.chair, run.secretary) == (body.chair, body.secretary):
        return NOTHING
    return Decision(events=(named,), guards=(cycle_guard(command),), grant=grant)


def replace_judge(
    state: State, command: Command, body: ReplaceJudge, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """Takes two people; where the panel was drawn, the next of the draw comes, of the same kind if kinds are asked for."""
    run = must_be_current(state, step.id, body.kind)
    if body.judge not in run.judges or body.by in run.judges:
        raise Refused("NOT_ON_PANEL", actor=body.judge)
    if run.drawn is not None and step.draw is not None:
        next_ = next_drawn(run, step.draw, body.judge)
        if body.by != next_:
            raise Refused("NOT_NEXT_DRAWN", next=next_ or "-")
    replaced = JudgeReplaced(step=step.id, judge=body.judge, by=body.by, reason=body.reason)
    effect = (replaced, *_same_unit(state, inputs, step.id, (body.by,)))
    return Decision(events=two_people(state, command, effect), guards=(cycle_guard(command),), grant=grant)


def next_drawn(run: StepRun, draw: Draw, leaving: str) -> str:
    """Who of the pool takes the place of a drawn judge; empty if nobody is left."""
    assert run.drawn is not None
    kind = {lot.person: lot.kind for lot in run.drawn.pool}.get(leaving, "")
    for lot in lots.order(run.drawn.seed, run.drawn.pool):
        if lot.person not in (*run.judges, *run.drawn.judges) and (
            kind not in draw.kinds or lot.kind == kind
        ):
            return lot.person
    return ""


# ---- ties ----


def _belongs(state: State, inputs: Inputs, person: str, nomination: str) -> bool:
    """Whether a grant of the person lies at the nomination's own unit or above it, yet below this round's."""
    assert state.opened is not None
    tree, unit, grants = inputs.tree, state.members[nomination].unit, inputs.authority.grants
    return any(
        tree.within(unit, grants[id].unit) and not tree.within(state.opened.unit, grants[id].unit)
        for id in inputs.authority.held.get(person, ())
        if id in grants
    )


def _same_unit(state: State, inputs: Inputs, step: str, judges: Iterable[str]) -> tuple[JudgeRecused, ...]:
    """The recusals that follow from the judges' own grants, without anybody asking."""
    known = run_of(state, step).recused
    return tuple(
        JudgeRecused(step=step, judge=judge, nomination=id, reason=SAME_UNIT)
        for judge in judges
        for id in state.members
        if (judge, id) not in known and _belongs(state, inputs, judge, id)
    )


def declared_ties(
    state: State, command: Command, body: DeclareTies, inputs: Inputs, step: ExpertReview
) -> tuple[str, tuple[JudgeRecused, ...]]:
    """The grant and the recusals: a judge declares their own ties, an officer or operator anybody's."""
    assert state.opened is not None
    own = all(tie.judge == command.actor.id for tie in body.ties)
    if own and command.actor.role not in authority.ROLES[body.kind]:
        grant = as_judge(state, command, inputs, step)
    else:
        grant = authority.authorize(
            inputs.authority, inputs.tree, command.actor, body.kind, state.opened.unit
        )
    recused = run_of(state, step.id).recused
    return grant, tuple(
        JudgeRecused(step=step.id, judge=tie.judge, nomination=tie.nomination, reason=tie.tie)
        for tie in dict.fromkeys(body.ties)
        if (tie.judge, tie.nomination) not in recused
    )


def as_judge(state: State, command: Command, inputs: Inputs, step: ExpertReview) -> str:
    """The grant by which the actor judges; a drawn judge's is the one that put them into the pool.

    Raises Refused NOT_ON_PANEL, NOT_AUTHORISED.
    """
    assert state.opened is not None
    if command.actor.id not in run_of(state, step.id).judges:
        raise Refused("NOT_ON_PANEL", actor=command.actor.id)
    if step.draw is not None:
        for grant in inputs.authority.grants.values():
            if (grant.person, grant.role) == (
                command.actor.id,
                command.actor.role,
            ) and grant.role in step.draw.roles:
                return grant.id
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, "hand_in_sheet", state.opened.unit
    )
