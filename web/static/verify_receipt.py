#!/usr/bin/env python3
"""Checks that a ballot paper is in the sealed tree, with Python's standard library and nothing else.

    curl -s https://…/receipts/RECEIPT > proof.json
    python3 verify_receipt.py proof.json --leaf LEAF --root ROOT

LEAF is what your receipt said when you voted; ROOT is what the notice publishes, not what the server of the proof says.
Exit code 0: the paper is in the tree under ROOT. 6: it is not. 2: the file is not readable. How many papers the tree
has, the notice says beside ROOT; a path alone does not.
Neither leaf nor proof tells anybody whom the paper chose.
核验选票是否在封存的计票树中：LEAF 取自投票时的回执，ROOT 取自公告。
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads (RFC 9162, 2.1.3.2); None if it is no path for that place."""
    if not 0 <= index < size:
        return None
    place, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place % 2 or place == last:
            reached = hashlib.sha256(b"\x01" + sibling + reached).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            reached = hashlib.sha256(b"\x01" + reached + sibling).digest()
        place, last = place // 2, last // 2
    return reached if last == 0 else None


def verify(proof: dict[str, object], leaf: str, root: str) -> str:
    """What is wrong with a proof, in one line; empty if it holds."""
    if proof.get("status") != "sealed":
        return "accepted, not yet sealed: ask again after the count · 已受理，尚未封存"
    if proof["leaf"] != leaf:
        return "the proof is for another paper than your receipt · 证明与回执不符"
    if proof["root"] != root:
        return "the proof is for another root than the published one · 证明与公布的根不符"
    path = [bytes.fromhex(step) for step in proof["path"]]  # type: ignore[attr-defined]
    if root_from(
        bytes.fromhex(leaf), int(str(proof["index"])), int(str(proof["size"])), path
    ) != bytes.fromhex(root):
        return "the path does not lead from the leaf to the root · 路径不成立"
    return ""


def main(words: Sequence[str] | None = None) -> int:
    """0 the proof holds, 6 it does not, 2 it cannot be read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("proof", type=Path, help="what GET /receipts/… answered · 证明文件")
    parser.add_argument("--leaf", required=True, help="from your receipt · 回执中的校验值")
    parser.add_argument("--root", required=True, help="from the notice · 公告中的根")
    given = parser.parse_args(words)
    try:
        proof = json.loads(given.proof.read_text("utf-8"))
        fault = verify(proof, given.leaf.lower(), given.root.lower())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        sys.stderr.write(f"{given.proof}: {broken!r}\n")
        return 2
    if fault:
        sys.stderr.write(f"NOT VERIFIED · 未通过: {fault}\n")
        return 6
    sys.stdout.write(f"verified · 核验通过: {given.leaf} → {given.root}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
