"""What people say of a nomination at the terminal means the endorsement that they saw."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cli.decide import approve, reject, return_
from cli.desk import Desk, Signed
from runtime.settings import Language, Settings
from schemas.errors import BadUsage
from tests.programmes.test_other_places import HARBOUR, ends


@pytest.mark.parametrize(
    ("say", "said"), [(approve, {}), (return_, {"reason": "r"}), (reject, {"reason": "r"})]
)
async def test_where_a_stage_has_two_reviews_the_terminal_asks_which_is_meant_dr_14(
    say: Any, said: dict[str, str], tmp_path: Path
) -> None:
    """A second click under an id of its own would else mean whichever is open by then."""
    conductor, told = await ends(tmp_path, HARBOUR)
    desk = Desk(Settings(), Language.EN, AsyncExitStack(), auditing=conductor.store)
    where, signed = f"{conductor.cycle}/{next(iter(told))}", Signed(as_="o", role="officer", unit="9")
    with pytest.raises(BadUsage) as asked:
        await say(where, signed=signed, desk=desk, **said)
    assert asked.value.facts["fault"] == "--step first_review | second_review"
