"""What linters cannot see: lazy imports into the core, who reads the environment, where floats are."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from runtime.settings import CHECKOUT
from tests.architecture.house import ENTRANCES, PACKAGES, PURE, sources, trees

FORBIDDEN = {
    "asyncpg",
    "psycopg",
    "structlog",
    "temporalio",
    "yoyo",
    "store",
    "activities",
    "workflows",
    "runtime",
}

PROBE = """
import importlib, pkgutil, sys
for name in {packages!r}:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(found.name)
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""


def loaded_by(*packages: str) -> set[str]:
    """The top-level modules in a clean interpreter after every module of the packages was imported."""
    said = subprocess.run(
        [sys.executable, "-c", PROBE.format(packages=packages)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(said.stdout.split())


def test_the_core_loads_no_database_no_temporal_and_no_outer_row() -> None:
    assert loaded_by(*PURE) & FORBIDDEN == set()


def test_the_probe_sees_what_an_outer_row_loads() -> None:
    assert {"asyncpg", "store"} <= loaded_by("store")


def test_only_the_settings_read_the_environment() -> None:
    entrances = [CHECKOUT / name for name in ENTRANCES if (CHECKOUT / name).exists()]
    readers = {
        str(path.relative_to(CHECKOUT))
        for path in (*sources(*PACKAGES), *entrances)
        if reads_environment(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert readers == {"runtime/settings.py"}


def reads_environment(tree: ast.Module) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    taken = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }
    return bool(names & (attributes | taken))


@pytest.mark.parametrize(
    "source", ["import os\nos.environ['A']", "from os import getenv", "import os\nos.getenv('A')"]
)
def test_a_reader_of_the_environment_is_recognised(source: str) -> None:
    assert reads_environment(ast.parse(source))


FLOATS_ALLOWED = {
    "domain/selection/highs.py",  # the solver's own tongue; its answer is checked again in integers
    "schemas/faults.py",  # how alike two words must be for a suggestion
}


def test_the_core_knows_no_float() -> None:
    floats = {path for path, tree in trees(*PURE) if any(_is_float(node) for node in ast.walk(tree))}
    assert floats <= FLOATS_ALLOWED


def _is_float(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=float()) | ast.Call(func=ast.Name(id="float")):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="float")) | ast.arg(annotation=ast.Name(id="float")):
            return True
        case _:
            return False


@pytest.mark.parametrize("source", ["weight = 0.5", "float('1')", "share: float", "def f(share: float): ..."])
def test_a_float_is_recognised(source: str) -> None:
    assert any(_is_float(node) for node in ast.walk(ast.parse(source)))
