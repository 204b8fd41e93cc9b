"""What a round's selection was asked, and what it answered: the state and inputs that its decision stood on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain import round as rounds
from domain.decision import Decision
from domain.problem import Scores, problem_of, scores_of
from domain.selection import Problem, Selected, select
from domain.steps import Inputs, going, present
from schemas.events import SelectionMade
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
