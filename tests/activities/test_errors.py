"""Which of our errors Temporal tries again."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from activities.errors import engine_error, translated
from schemas.errors import EngineError, Integrity, Refused, Unavailable


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Unavailable("STORE_UNAVAILABLE", fault="away"), True),
        (Integrity("EVENT_UNKNOWN", stream="s", seq=1, type="Newer"), True),  # by a worker that knows it
        (Integrity("DOCUMENT_UNREADABLE", hash="0", fault="newer: extra"), True),
        (Integrity("LOG_BROKEN", stream="s", seq=1, fault="other bytes"), False),
        (Refused("NOT_FOUND", what="s"), False),
    ],
)
def test_what_may_be_otherwise_a_moment_later_is_tried_again(error: EngineError, again: bool) -> None:
    with pytest.raises(ApplicationError) as raised, translated():
        raise error
    assert raised.value.non_retryable is not again
    told = engine_error(raised.value)
    assert told is not None
    assert (type(told), told.code) == (type(error), error.code)
