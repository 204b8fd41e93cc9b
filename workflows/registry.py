"""The workflows that a worker serves, and that replay tests replay."""

from __future__ import annotations

from workflows.cycle import CycleWorkflow
from workflows.nomination import NominationWorkflow
from workflows.opening import PeriodOpeningWorkflow
from workflows.round import RoundWorkflow

WORKFLOWS = [CycleWorkflow, RoundWorkflow, NominationWorkflow, PeriodOpeningWorkflow]
