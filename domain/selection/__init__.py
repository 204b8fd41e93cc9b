"""Choosing within seats, exactly: places and cuts, share rules, the constrained choice, its certificate, substitution."""

from domain.selection.certificate import certify
from domain.selection.choose import Outcome, select
from domain.selection.kept_out import kept_out
from domain.selection.problem import (
    Candidate,
    Certificate,
    Change,
    DifferentialUnmet,
    Infeasible,
    Multiplier,
    Op,
    Optimality,
    Problem,
    RankGroup,
    RuleCheck,
    SeatGroup,
    Selected,
    ShareRule,
    Shortfall,
    Substitution,
    TieUnresolved,
)
from domain.selection.ranking import cut, differential, rank, rank_problem
from domain.selection.shares import check, check_all
from domain.selection.substitution import substitute

__all__ = [
    "Candidate",
    "Certificate",
    "Change",
    "DifferentialUnmet",
    "Infeasible",
    "Multiplier",
    "Op",
    "Optimality",
    "Outcome",
    "Problem",
    "RankGroup",
    "RuleCheck",
    "SeatGroup",
    "Selected",
    "ShareRule",
    "Shortfall",
    "Substitution",
    "TieUnresolved",
    "certify",
    "check",
    "check_all",
    "cut",
    "differential",
    "kept_out",
    "rank",
    "rank_problem",
    "select",
    "substitute",
]
