"""The shape of the code and of the project's own files."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from statistics import median

import pytest

from runtime.settings import CHECKOUT
from tests.architecture.house import PACKAGES, PYPROJECT, trees

LINES_MAX = 70
LINES_MEDIAN_MAX = 10
PROJECT = tomllib.loads(PYPROJECT.read_text())
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt")


def function_lengths() -> dict[str, int]:
    """Lines of each function's body, its docstring left out."""
    return {
        f"{path}:{node.lineno} {node.name}": _body_lines(node)
        for path, tree in trees(*PACKAGES)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_small() -> None:
    lengths = function_lengths()
    assert {where: lines for where, lines in lengths.items() if lines > LINES_MAX} == {}
    assert median(lengths.values()) <= LINES_MEDIAN_MAX


def test_every_module_says_what_it_is_for() -> None:
    assert [path for path, tree in trees(*PACKAGES) if tree.body and not ast.get_docstring(tree)] == []


def test_the_packages_of_workflows_import_nothing_at_their_head() -> None:
    """Each sandboxed run would pay for it again: the list of workflows has a module of its own."""
    (tree,) = [tree for path, tree in trees("workflows") if path == "workflows/__init__.py"]
    assert [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] == []


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_requirements_are_pinned_and_hashed_and_name_no_registry(file: str) -> None:
    text = (CHECKOUT / file).read_text().replace("\\\n", "")
    for line in text.splitlines():
        assert re.match(r"[a-z0-9-]+==[^ ]+( ; [^#]+?)? +--hash=sha256:[0-9a-f]{64}( |$)", line), line
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_locked_versions_are_those_that_the_project_asks_for() -> None:
    groups = PROJECT["dependency-groups"]
    asked = {
        "requirements.txt": PROJECT["project"]["dependencies"],
        "requirements-dev.txt": PROJECT["project"]["dependencies"] + groups["dev"],
        "requirements-uv.txt": groups["bootstrap"],
    }
    for file, wanted in asked.items():
        locked = set(re.findall(r"^([a-z0-9-]+)==", (CHECKOUT / file).read_text(), re.MULTILINE))
        names = {re.split(r"[\[<>=]", one)[0].replace(".", "-").lower() for one in wanted}
        assert names <= locked, file


def test_both_locks_agree_on_every_version() -> None:
    runtime, dev = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (CHECKOUT / file).read_text(), re.MULTILINE))
        for file in REQUIREMENTS[:2]
    )
    assert {name: version for name, version in runtime.items() if dev.get(name) != version} == {}


def test_make_help_lists_every_target_with_a_line() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    (declared,) = re.findall(r"^\.PHONY: (help .+)$", makefile, re.MULTILINE)
    said = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make (\S+) +\S", said, re.MULTILINE)
    assert listed == declared.split()


def test_make_keeps_what_python_has_compiled_whatever_the_environment_says() -> None:
    said = subprocess.run(
        ["make", "--eval", "said: ; @env", "said"],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "PATH=" in said
    assert "PYTHONDONTWRITEBYTECODE" not in said


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text().splitlines()
    acts = [line for line in lines if line and not line.startswith("#")]
    assert acts == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test"]
