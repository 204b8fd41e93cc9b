"""What a desk tells of a receipt."""

from __future__ import annotations

from contextlib import AsyncExitStack
from io import StringIO

import pytest
from rich.console import Console

from cli.desk import Desk
from runtime.settings import Language, Settings
from schemas.canonical import seal
from schemas.events import Dropped, SheetHandedIn
from schemas.ledger import Head, Receipt
from tests.store.commands import command


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ZH, "未计入：评分超出范围（SCORE_OUT_OF_RANGE）"),
        (Language.EN, "not counted: off the scale (SCORE_OUT_OF_RANGE)"),
    ],
)
def test_a_judge_is_told_which_marks_do_not_count_dr_16(language: Language, said: str) -> None:
    refused = (Dropped(nomination="n-1", reason="SCORE_OUT_OF_RANGE"),)
    sheet = SheetHandedIn(step="review", judge="j-1", marks=(), refused=refused)
    request = command("round/c/all/P", "c-1", Head(), sheet.new())
    events = tuple(one.event for one in seal(request))
    receipt = Receipt(stream=request.stream, command_id="c-1", head=Head(), events=events)
    told = Console(width=100, file=StringIO(), record=True)
    told.print(Desk(Settings(), language, AsyncExitStack()).told(receipt).shown)
    assert said in told.export_text()
