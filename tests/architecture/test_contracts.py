"""The import contracts hold, cover every package, and break when they should."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.settings import CHECKOUT
from tests.architecture.house import ENTRANCES, IMPORT_LINTER, PACKAGES, PYPROJECT, imported, trees

LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
NO_LAYER = {"tests", "bench"}

PLANTED = [
    ("domain", "import store", "A row of the house imports only rows below it"),
    ("store", "import domain", "A row of the house imports only rows below it"),
    ("schemas", "import domain", "A row of the house imports only rows below it"),
    ("activities", "import workflows", "A row of the house imports only rows below it"),
    ("workflows", "import runtime", "A row of the house imports only rows below it"),
    ("runtime", "import cli", "A row of the house imports only rows below it"),
    ("domain", "import temporalio", "The core is pure"),
    ("schemas", "import asyncpg", "The core is pure"),
    ("domain", "import structlog", "The core is pure"),
    ("workflows", "import store", "Workflows reach the store by activities alone"),
    ("workflows", "import asyncpg", "Workflows reach the store by activities alone"),
]


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """Every package, empty, under the real contracts."""
    shutil.copy(PYPROJECT, tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def broken_contracts(house: Path) -> set[str]:
    said = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=house, capture_output=True, text=True, check=False
    ).stdout
    assert "Contracts:" in said, said
    return {line.removesuffix(" BROKEN") for line in said.splitlines() if line.endswith(" BROKEN")}


def test_an_empty_house_and_the_allowed_imports_keep_every_contract(small_house: Path) -> None:
    (small_house / "workflows" / "rounds.py").write_text("import activities.log\nimport domain\n")
    (small_house / "activities" / "log.py").write_text("import store\nimport temporalio\n")
    (small_house / "store" / "postgres.py").write_text("import asyncpg\nimport schemas\n")
    assert broken_contracts(small_house) == set()


@pytest.mark.parametrize(("package", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(
    small_house: Path, package: str, line: str, contract: str
) -> None:
    (small_house / package / "planted.py").write_text(f"{line}\n")
    assert contract in broken_contracts(small_house)


def test_every_package_of_the_checkout_has_its_place_in_the_house() -> None:
    there = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - NO_LAYER
    assert there == set(PACKAGES)
    layers = IMPORT_LINTER["contracts"][0]["layers"]
    placed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    assert there <= placed


def test_nobody_imports_the_entrances() -> None:
    modules = {entrance.removesuffix(".py") for entrance in ENTRANCES}
    guilty = [path for path, tree in trees(*PACKAGES) if modules & imported(tree)]
    assert guilty == []
