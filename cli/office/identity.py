"""Identity numbers by their check digits: residents' (GB 11643) and organisations' unified codes (GB 32100)."""

from __future__ import annotations

import re
from datetime import date

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from cli.office.grids import Raw
from cli.sheets import Expected, exact_number, narrow
from schemas.programme import SubjectType

_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_ALMOST_RESIDENT = re.compile(r"[0-9]{14,20}X?")
_ORGANISATION = re.compile(r"[0-9ANY][0-9A-Z][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_OF_PEOPLE = frozenset({SubjectType.PERSON, SubjectType.TEAM, SubjectType.STUDIO, SubjectType.WORK})


def identity_of(cell: Raw, subject: SubjectType = SubjectType.PERSON) -> str:
    """An identity as text: full-width forms narrow, letters upper, numbers that lost digits refused.

    What has the form of a resident's ID or an organisation's code must have its check digit; a passport or another
    document is taken as it is. Raises `Expected`.
    """
    exact_number(cell)
    number = narrow(cell).upper()
    if _RESIDENT.fullmatch(number) and subject in _OF_PEOPLE:
        _check_resident(number)
    elif _ORGANISATION.fullmatch(number):
        if uscc.calc_check_digit(number[:-1]) != number[-1]:
            raise Expected(
                "校验位相符的统一社会信用代码（GB 32100）；请核对各位",
                "a unified social credit code whose check digit is right (GB 32100): compare every character",
            )
    elif _ALMOST_RESIDENT.fullmatch(number) and subject in _OF_PEOPLE:
        raise Expected(
            f"18 位的公民身份号码（现有 {len(number)} 位）", f"an ID number of 18 digits, not {len(number)}"
        )
    return number


def born(number: str) -> date | None:
    """The birthday that a resident's number holds."""
    try:
        return ric.get_birth_date(number) if _RESIDENT.fullmatch(number) else None
    except ValidationError:
        return None


def _check_resident(number: str) -> None:
    if ric.calc_check_digit(number) != number[-1]:
        raise Expected(
            "校验位相符的公民身份号码（GB 11643）；请核对各位",
            "an ID number whose check digit is right (GB 11643): compare every digit",
        )
    if born(number) is None:
        raise Expected("含有真实出生日期的公民身份号码", "an ID number with a real birthday in it")
