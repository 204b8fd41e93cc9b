"""docs/rules.md leads from every rule to tests that are there and are named after it."""

from __future__ import annotations

import re

import pytest

from runtime.settings import CHECKOUT

ROWS = re.findall(
    r"^\| DR-(\d\d) \| (.+) \| (.+) \| (.+) \|$",
    (CHECKOUT / "docs/rules.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_every_rule_has_its_row() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 47))


@pytest.mark.parametrize(("number", "what", "where", "tests"), ROWS, ids=[f"DR-{row[0]}" for row in ROWS])
def test_a_rule_leads_to_its_code_and_to_tests_named_after_it(
    number: str, what: str, where: str, tests: str
) -> None:
    assert what
    assert all((CHECKOUT / path).exists() for path in re.findall(r"`([^`]+)`", where))
    named = re.findall(r"`([^`]+)::(test_\w+)`", tests)
    assert named
    for path, test in named:
        assert f"dr_{number}" in test
        assert re.search(rf"def {test}\b", (CHECKOUT / path).read_text("utf-8")), (path, test)
