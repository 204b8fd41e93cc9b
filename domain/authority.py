"""Who may do what: grants are events, and one pure `authorize` answers for the terminal, the workflows and the web."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Protocol, TypeVar

from domain.decision import Decision, HasProposals
from schemas.commands import AuthorityBody, Body, Command, GiveGrants, RevokeGrant
from schemas.errors import Refused
from schemas.events import ActSeconded, Event, GrantRevoked, GrantsGiven, GrantTerms
from schemas.ledger import Actor
from schemas.programme import Channel, Clearance, Conferral, Draw, ExpertReview, Programme, Step
from schemas.programme import Decision as DecisionStep
from schemas.units import UnitTree

ROLES: dict[str, tuple[str, ...]] = {
    "give_grants": ("operator",),
    "revoke_grant": ("operator",),
    "extend_intake": ("operator",),
    "close_intake_early": ("operator",),
    "redistribute_quota": ("operator",),
    "pause_cycle": ("operator",),
    "resume_cycle": ("operator",),
    "cancel_cycle": ("operator",),
    "amend_rules": ("operator",),
    "extend_calendar": ("operator",),
    "add_points": ("operator", "officer"),
    "enter_register": ("operator",),
    "leave_register": ("operator",),
    "pair_members": ("operator",),
    "record_outcome": ("operator",),
    "note_export": ("operator", "officer"),
    "hold_person": ("operator", "handler"),
    "release_person": ("operator",),
    "erase_person": ("operator",),
    "submit": ("officer",),
    "correct": ("officer",),
    "change_team": ("officer",),
    "withdraw": ("officer",),
    "endorse": ("officer",),
    "return": ("officer",),
    "reject": ("officer",),
    "close_early": ("officer", "operator"),
    "rule": ("handler",),
    "object": ("operator", "handler"),  # for what came by post; whoever objects in person needs no grant
    "disqualify": ("operator", "handler"),
    "form_panel": ("operator",),
    "replace_judge": ("operator",),
    "recuse": ("judge",),
    "hand_in_sheet": ("judge",),
    "draw_panel": ("operator",),
    "name_chair": ("operator",),
    "declare_ties": ("officer", "operator"),
    "enter_sheet": ("scorekeeper",),
    "record_congress": ("officer",),
    "record_attendance": ("officer", "operator"),
    "report_change": ("operator",),
    "request_clearance": ("operator",),
    "resolve_tie": ("operator",),
    "waive_differential": ("operator",),
    "waive_rules": ("operator",),
    "extend_step": ("operator",),
    "note_death": ("officer", "operator"),
    "note_transfer": ("officer", "operator"),
    "waive_predicate": ("operator",),
    "record_honour": ("operator", "handler"),
    "assess_title": ("operator",),
    "agree_shares": ("operator",),
    "leader_left": ("operator", "officer"),
    "replace_leader": ("operator",),
    "pay_reward": ("finance", "operator"),
    "recover_rewards": ("finance", "operator"),
    "propose_revocation": ("operator", "handler", "officer"),
    "hear_holder": ("operator", "handler"),
    "decide_revocation": ("operator",),
    "appeal_revocation": ("officer", "handler"),
    "rule_on_appeal": ("operator",),
    "delist_title": ("operator",),
    "extend_reports": ("operator",),
    "pause_round": ("operator",),
    "resume_round": ("operator",),
    "cancel_round": ("operator",),
    "screen_votes": ("operator",),
    "invalidate_votes": ("operator",),
    "release_votes": ("operator",),
    "freeze_votes": ("operator",),
    "unfreeze_votes": ("operator",),
}
"""Which roles may give a command. A department or a body acts in a role of its own, `department:tax`, `body:…`."""


def roles_of(programme: Programme) -> tuple[str, ...]:
    """The roles in which somebody may act under a programme; a grant in any other would never be of use."""
    fixed = [role for roles in ROLES.values() for role in roles]
    steps = [step for stage in programme.stages.values() for step in stage.steps]
    declared = [role for step in steps for role in _declared_by(step)]
    return tuple(dict.fromkeys((*fixed, Channel.ASSOCIATION, *declared)))


def _declared_by(step: Step) -> tuple[str, ...]:
    match step:
        case ExpertReview(draw=Draw() as draw):
            return draw.roles
        case Clearance():
            return tuple(f"department:{one.id}" for one in step.asked)
        case DecisionStep() | Conferral():
            return (f"body:{step.body}",)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class State:
    """The grants in force, by id."""

    grants: dict[str, GrantTerms] = field(default_factory=dict)
    held: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # ids by person: a province has ten thousand
    founded: bool = False


initial = State()


def evolve(state: State, event: Event) -> State:
    match event:
        case GrantsGiven():
            given = {grant.id: grant for grant in event.grants}
            held = dict(state.held)
            for grant in given.values():
                held[grant.person] = (*held.get(grant.person, ()), grant.id)
            return replace(state, grants=state.grants | given, held=held, founded=True)
        case GrantRevoked():
            kept = {id: grant for id, grant in state.grants.items() if id != event.grant}
            return replace(state, grants=kept)
        case _:
            return state


def decide(state: State, command: Command, body: AuthorityBody, tree: UnitTree) -> Decision:
    """The first grants of a cycle are its founding; afterwards only an operator of the whole tree gives or revokes."""
    grant = authorize(state, tree, command.actor, body.kind, tree.root) if state.founded else "founding"
    match body:
        case GiveGrants():
            fresh = tuple(terms for terms in body.grants if terms.id not in state.grants)
            for terms in fresh:
                if terms.unit not in tree.by_code:
                    raise Refused("NOT_FOUND", what=terms.unit)
            return Decision(events=(GrantsGiven(grants=fresh),) if fresh else (), grant=grant)
        case RevokeGrant():
            if body.grant not in state.grants:
                raise Refused("NOT_FOUND", what=body.grant)
            if _operators(state, tree) == {body.grant}:
                raise Refused("LAST_OPERATOR", grant=body.grant)
            return Decision(events=(GrantRevoked(grant=body.grant, reason=body.reason),), grant=grant)


def _operators(state: State, tree: UnitTree) -> set[str]:
    """The grants by which the whole tree is operated; without one, nobody could ever give another."""
    return {
        grant.id for grant in state.grants.values() if grant.role == "operator" and grant.unit == tree.root
    }


def authorize(
    state: State, tree: UnitTree, actor: Actor, action: str, unit: str, roles: tuple[str, ...] = ()
) -> str:
    """The id of the grant by which `actor` may do `action` to `unit`: a role over both the unit and the one
    that the actor claims to act in.

    `roles` overrides the table for actions whose role depends on the step. Raises Refused NOT_AUTHORISED.
    """
    allowed = roles or ROLES[action]
    acted_in = actor.unit or unit
    held = (state.grants[id] for id in state.held.get(actor.id, ()) if id in state.grants)
    for grant in held if acted_in in tree.by_code else ():
        covers = tree.within(unit, grant.unit) and tree.within(acted_in, grant.unit)
        if covers and grant.role == actor.role and grant.role in allowed:
            return grant.id
    who = f"{actor.id} ({', '.join(filter(None, (actor.role, actor.unit)))})"
    raise Refused("NOT_AUTHORISED", actor=who, action=action, unit=unit, roles=", ".join(allowed))


# ---- acts that take two people ----


class Granted(Protocol):
    """What a decision stands on, the grants in force among it."""

    @property
    def authority(self) -> State: ...


S = TypeVar("S", bound=HasProposals)
B = TypeVar("B", bound=Body)
K = TypeVar("K", bound=Granted)
Decide = Callable[[S, Command, B, K], Decision]


def by_two_who_may(decide: Decide[S, B, K]) -> Decide[S, B, K]:
    """A first person's proposal counts while they could still make it; after that the second's request is the first."""

    @wraps(decide)
    def decided(state: S, command: Command, body: B, inputs: K) -> Decision:
        decision = decide(state, command, body, inputs)
        seconded = next((event for event in decision.events if isinstance(event, ActSeconded)), None)
        if seconded is None or _may_still(decide, state, command, body, inputs, seconded.proposed_by):
            return decision
        others = {act: by for act, by in state.proposals.items() if act != seconded.act}
        return decide(replace(state, proposals=others), command, body, inputs)

    return decided


def _may_still(
    decide: Decide[S, B, K], state: S, command: Command, body: B, inputs: K, proposer: str
) -> bool:
    """Whether the proposer, by any of their grants, would be told that only another person is missing."""
    grants = inputs.authority.grants
    for role in {grants[id].role for id in inputs.authority.held.get(proposer, ()) if id in grants}:
        asked = command.model_copy(update={"actor": Actor(id=proposer, role=role)})
        try:
            decide(state, asked, body, inputs)
        except Refused as refusal:
            if refusal.code == "SECOND_PERSON_REQUIRED":
                return True
    return False
