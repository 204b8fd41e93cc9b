"""Who judges: a panel named or drawn by lot, in groups or whole, its chair, replacements, and recusal from declared
ties (回避, DR-13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from domain import authority, groups, lots
from domain.decision import NOTHING, Decision, two_people
from domain.round import State, StepRun, evolve, judges_of, must_be_current, run_of
from domain.steps import Inputs, asked_about, cycle_guard, head_guards, present, window_guards
from schemas.commands import Command, DeclareTies, DrawPanel, FormPanel, GroupPlace, NameChair, ReplaceJudge
from schemas.errors import Refused
from schemas.events import ChairNamed, JudgeRecused, JudgeReplaced, JudgingGroup, Lot, PanelDrawn, PanelFormed
from schemas.programme import Draw, ExpertReview

SAME_UNIT, NOMINATOR = "same_unit", "nominator"


def form_panel(
    state: State, command: Command, body: FormPanel, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """As many different judges as the programme says, before the first sheet; where it draws lots, nobody is named."""
    run = must_be_current(state, step.id, body.kind)
    if step.draw is not None:
        raise Refused("DRAWN_BY_LOT", step=step.id)
    if step.groups is not None:
        return _form_groups(state, command, body, inputs, step, grant)
    _members(state, inputs, step, body.places)
    groups.must_be(step, (), [one.group for one in body.groups])
    if len(set(body.judges)) != step.panel_size or len(body.judges) != step.panel_size:
        raise Refused("PANEL_SIZE", needed=step.panel_size, have=len(set(body.judges)))
    if run.judges:
        if run.judges == body.judges:
            return NOTHING
        raise Refused("PANEL_FORMED", step=step.id)
    formed = PanelFormed(step=step.id, judges=body.judges)
    return _seated(state, command, inputs, step, formed, grant)


def _form_groups(
    state: State, command: Command, body: FormPanel, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """As many different judges for each group that has members; one judge may sit in several."""
    run, named = run_of(state, step.id), {one.group: one.judges for one in body.groups}
    if run.judges:
        if run.seated == named and all(run.grouped.get(one.nomination) == one.group for one in body.places):
            return NOTHING
        raise Refused("PANEL_FORMED", step=step.id)
    members = _members(state, inputs, step, body.places)
    groups.must_be(step, members, [*(one.group for one in body.groups), *body.judges])
    if not members:
        return NOTHING
    for group, judges in named.items():
        if len(set(judges)) != step.panel_size or len(judges) != step.panel_size:
            raise Refused("GROUP_SIZE", group=group, needed=step.panel_size, have=len(set(judges)))
    formed = PanelFormed(
        step=step.id,
        judges=tuple(dict.fromkeys(judge for judges in named.values() for judge in judges)),
        groups=_groups(named, members, body.places),
    )
    return _seated(state, command, inputs, step, formed, grant)


def _members(
    state: State, inputs: Inputs, step: ExpertReview, places: tuple[GroupPlace, ...]
) -> dict[str, tuple[str, ...]]:
    """The members by group; none where the whole panel judges everybody."""
    if step.groups is None:
        groups.must_be(step, (), [one.group for one in places])
        return {}
    return groups.members_of(inputs.programme, step, asked_about(state, inputs, step.id), places)


def _groups(
    judges: Mapping[str, tuple[str, ...]],
    members: Mapping[str, tuple[str, ...]],
    places: Iterable[GroupPlace],
) -> tuple[JudgingGroup, ...]:
    return tuple(
        JudgingGroup(
            group=group,
            judges=judges[group],
            members=members[group],
            placed=tuple(one.nomination for one in places if one.group == group),
        )
        for group in judges
    )


def _seated(
    state: State,
    command: Command,
    inputs: Inputs,
    step: ExpertReview,
    seated: PanelFormed | PanelDrawn,
    grant: str,
) -> Decision:
    """The panel sits, with the recusals that follow; groups stand on the members' facts, and so on their heads."""
    guards = window_guards(state, command, step.id)
    if seated.groups:
        guards = (*guards, *head_guards(present(state, inputs).values(), command))
    recused = recused_of(evolve(state, seated, command.received_at), inputs, step.id, seated.judges)
    return Decision(events=(seated, *recused), guards=guards, grant=grant)


def draw_panel(
    state: State, command: Command, body: DrawPanel, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """By lot, once: pool, seed and algorithm are written down, so that anybody can draw it again."""
    run = must_be_current(state, step.id, body.kind)
    if step.draw is None:
        raise Refused("STAGE_MISMATCH", current=step.id, action=body.kind)
    if run.judges:
        raise Refused("PANEL_FORMED", step=step.id)
    members, fields = _members(state, inputs, step, body.places), inputs.programme.groups_of(step)
    asked = {group: _kinds_of(group, step.draw, fields) for group in members or ("",)}
    pool = tuple(
        lot for lot in _pool(state, inputs, step.draw) if lot.kind in asked or lot.kind not in fields
    )
    _must_suffice(pool, step, step.draw, asked)
    by_group = lots.draw_groups(body.seed, pool, step.panel_size, asked)
    chosen = {judge for judges in by_group.values() for judge in judges}
    drawn = PanelDrawn(
        step=step.id,
        pool=pool,
        pool_hash=lots.pool_hash(pool),
        seed=body.seed,
        seed_source=body.seed_source,
        algorithm=lots.ALGORITHM,
        judges=tuple(lot.person for lot in lots.order(body.seed, pool) if lot.person in chosen),
        groups=_groups(by_group, members, body.places) if members else None,
    )
    return _seated(state, command, inputs, step, drawn, grant)


def _kinds_of(group: str, draw: Draw, fields: Collection[str]) -> dict[str, int]:
    """How many of each kind a group asks for, or the whole panel: a kind that is called as a group is that group's alone."""
    return {kind: least for kind, least in draw.kinds.items() if kind == group or kind not in fields}


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


def _must_suffice(
    pool: tuple[Lot, ...], step: ExpertReview, draw: Draw, asked: Mapping[str, Mapping[str, int]]
) -> None:
    """Whatever the seed: a group may take from all who belong to none as many as it need not have of its own."""
    have = Counter(lot.kind for lot in pool)
    for kind in dict.fromkeys(kind for kinds in asked.values() for kind in kinds):
        least = sum(kinds.get(kind, 0) for kinds in asked.values())
        if have[kind] < least:
            raise Refused("POOL_TOO_SMALL", kind=kind, needed=least, have=have[kind])
    shared = sum(number for kind, number in have.items() if kind not in asked)
    takes = {group: step.panel_size - kinds.get(group, 0) for group, kinds in asked.items()}
    for group in asked:
        needed = step.panel_size + sum(takes.values()) - takes[group]
        if have[group] < step.panel_size and have[group] + shared < needed:
            kind = f"{draw.pool_role}:{group}" if group else draw.pool_role
            raise Refused("POOL_TOO_SMALL", kind=kind, needed=needed, have=have[group] + shared)


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
    if body.judge not in run.judges:
        raise Refused("NOT_ON_PANEL", actor=body.judge)
    if body.by in run.judges:
        raise Refused("ALREADY_ON_PANEL", actor=body.by)
    if run.drawn is not None and step.draw is not None:
        next_ = next_drawn(run, step.draw, body.judge)
        if body.by != next_:
            raise Refused("NOT_NEXT_DRAWN", next=next_ or "-")
    replaced = JudgeReplaced(step=step.id, judge=body.judge, by=body.by, reason=body.reason)
    after = evolve(state, replaced, command.received_at)
    effect = (replaced, *recused_of(after, inputs, step.id, (body.by,)))
    return Decision(events=two_people(state, command, effect), guards=(cycle_guard(command),), grant=grant)


def next_drawn(run: StepRun, draw: Draw, leaving: str) -> str:
    """Who of the pool takes the place of a judge, nobody a second time; empty if nobody is left."""
    assert run.drawn is not None
    kind = {lot.person: lot.kind for lot in run.drawn.pool}.get(leaving, "")
    barred = {group for group, judges in run.seated.items() if leaving not in judges}
    for lot in lots.order(run.drawn.seed, run.drawn.pool):
        fits = lot.kind == kind if kind in draw.kinds else lot.kind not in barred
        if fits and lot.person not in (*run.judges, *run.replaced):
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


def recused_of(state: State, inputs: Inputs, step: str, judges: Iterable[str]) -> tuple[JudgeRecused, ...]:
    """The recusals that follow from the judges' own grants, and from whom they nominated, without anybody asking."""
    run = run_of(state, step)
    return tuple(
        JudgeRecused(step=step, judge=judge, nomination=id, reason=tie)
        for judge in judges
        for id in state.members
        if judge in judges_of(run, id) and (judge, id) not in run.recused
        if (tie := _tie(state, inputs, judge, id))
    )


def _tie(state: State, inputs: Inputs, judge: str, nomination: str) -> str:
    """Who nominated whom never changes, and is looked up only where a judge is seated; grants change."""
    standing = inputs.standings.get(nomination)
    if standing is not None and standing.submitter == judge:
        return NOMINATOR
    return SAME_UNIT if _belongs(state, inputs, judge, nomination) else ""


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
    roles = (*authority.ROLES["hand_in_sheet"], *(step.draw.roles if step.draw else ()))
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, "hand_in_sheet", state.opened.unit, roles
    )
