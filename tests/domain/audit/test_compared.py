"""What counts as a difference between a decision and what was recorded."""

import pytest

from domain.audit.compared import first_difference

NAMED = "NOT_SELECTED: rank 2, seats 2, kept out by front"
PLACE = "NOT_SELECTED: rank 2, seats 2"


def test_an_older_log_that_names_no_rule_is_taken_again_the_same_dr_45() -> None:
    assert first_difference({"out": [{"reason": PLACE}]}, {"out": [{"reason": NAMED}]}) is None


@pytest.mark.parametrize(
    ("recorded", "retaken"),
    [
        (NAMED, PLACE),
        (NAMED.replace("front", "heads"), NAMED),
        (PLACE.replace("2,", "3,"), NAMED),
        ("NOT_SELECTED", NAMED),
        ("a word", "a word, kept out by front"),
    ],
)
def test_every_other_reason_is_a_difference_dr_45(recorded: str, retaken: str) -> None:
    assert first_difference(recorded, retaken) == ("", recorded, retaken)
