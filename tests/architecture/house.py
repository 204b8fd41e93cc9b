"""The house as its own configuration describes it: which packages there are, and their source files."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from runtime.settings import CHECKOUT

PYPROJECT = CHECKOUT / "pyproject.toml"
IMPORT_LINTER = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]
PACKAGES: list[str] = IMPORT_LINTER["root_packages"]
PURE = ("domain", "proof", "schemas")
ENTRANCES = ("worker.py", "starter.py")


def sources(*packages: str) -> Iterator[Path]:
    """Every Python file of the packages, in a fixed order."""
    for package in packages:
        yield from sorted((CHECKOUT / package).rglob("*.py"))


def trees(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Each file's path below the checkout, and its syntax."""
    for path in sources(*packages):
        yield str(path.relative_to(CHECKOUT)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """Every module that a file imports, wherever in it."""
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
