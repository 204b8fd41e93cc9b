"""What a round's selection was asked, and what it answered: the state and inputs that its decision stood on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain import round as rounds
from domain.decision import Decision
from domain.problem import Scores, problem_of, scores_of
from domain.selection import Certificate, Optimality, Problem, Selected, certify, select
from domain.steps import Inputs, going, present
from schemas.events import SelectionMade
from schemas.ledger import JsonObject
from schemas.programme import Selection


@dataclass(frozen=True, slots=True)
class Question:
    """A selection as it was decided: `state` is the round's just before, `made` what was decided then."""

    state: rounds.State
    inputs: Inputs
    step: Selection
    made: SelectionMade

    @property
    def problem(self) -> Problem:
        """The problem that the solver was given; those held or gone are not in it."""
        return problem_of(self.state, self.inputs, going(self.state, self.inputs), self.step)

    @property
    def settled(self) -> Problem:
        """The same with as many seats as were given: equals at the cut may all have been taken in (DR-17)."""
        return self.problem.model_copy(update={"seats": self.made.seats})

    def agrees(self) -> bool:
        """Whether choosing again gives the list and the scores that were recorded."""
        problem = self.settled
        outcome = select(problem)
        scores = {one.nomination: one.score for one in self.made.ranked}
        same = {one.id: one.score for one in problem.candidates} == scores
        return same and isinstance(outcome, Selected) and outcome.selected == self.made.selected

    def checked(self, certificate: JsonObject) -> Certificate:
        """The list, checked again in exact numbers at the prices of that certificate: no solver is asked for the list."""
        said = Certificate.from_record(certificate) if certificate else None
        return certify(
            self.settled,
            self.made.selected,
            said.filled_multipliers if said else (),
            said.multipliers if said else (),
        )

    def proved_by(self, certificate: JsonObject) -> bool:
        """Whether that certificate holds for the list. Prices prove as well as others; how far a search comes is chance."""
        try:
            again = self.checked(certificate)
            return bool(certificate) and _found(again) == _found(Certificate.from_record(certificate))
        except ValueError:
            return False

    @property
    def scores(self) -> Scores:
        """The scores that the members present had, by component and in all."""
        return scores_of(self.state, present(self.state, self.inputs), self.step)


def question_of(state: Any, inputs: Any, decision: Decision) -> Question | None:
    """The selection that a decision made, if it made one."""
    made = next((event for event in decision.events if isinstance(event, SelectionMade)), None)
    if made is None or not isinstance(state, rounds.State) or not isinstance(inputs, Inputs):
        return None
    step = inputs.stage.step(made.step)
    return Question(state, inputs, step, made) if isinstance(step, Selection) else None


def _found(certificate: Certificate) -> Certificate:
    """The certificate without the difference between a search that was exhaustive and one that found nothing better."""
    weaker = {Optimality.SOLVER: Optimality.SEARCH}
    kinds = {"filled_by": certificate.filled_by, "optimality": certificate.optimality}
    return certificate.model_copy(update={name: weaker.get(kind, kind) for name, kind in kinds.items()})
