"""How one edition extends another: `extends: sichuan-craftsman@1` lays a file's tree on that of its base (DR-01).

Mappings are merged deep, things with an id by id, other values replaced, and an explicit null removes. A thing whose
`type` changes is replaced whole. A new thing stands after the one written before it, else before the one written
after it, else last; `{id: X, remove: true}` takes X away.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from schemas.documents import Document, Node, read_document
from schemas.faults import Fault, Place, fault_at

_REFERENCE = re.compile(r"([a-z][a-z0-9-]*)@([1-9][0-9]{0,5})\Z")


def extended(path: Path, chain: tuple[Path, ...] = ()) -> Document:
    """The document at `path` laid on what it extends, with the faults of both."""
    document = read_document(path, str(path))
    reference = (document.root.items or {}).get("extends")
    if reference is None:
        return document
    over = _without_extends(document.root)
    base = _base(path, reference, (*chain, path.resolve()))
    faults = base.faults + document.faults
    root = merged(base.root, over, faults) if base.whole else over
    return Document(root, faults, whole=base.whole and document.whole)


def _base(path: Path, reference: Node, chain: tuple[Path, ...]) -> Document:
    found = _REFERENCE.match(reference.text())
    if not found:
        return _no_base(reference, "extends_form")
    programme, edition = found[1], int(found[2])
    folder = path.parent if path.resolve().parent.name == programme else path.parent / ".." / programme
    base_path = folder / f"{edition}.yaml"
    if base_path.resolve() in chain:
        ring = " → ".join(f"{link.parent.name}/{link.name}" for link in (*chain, base_path.resolve()))
        return _no_base(reference, "extends_cycle", chain=ring)
    if not base_path.is_file():
        return _no_base(reference, "file_missing", file=base_path)
    base = extended(base_path, chain)
    named = base.root.plain()
    if base.whole and (named.get("programme"), named.get("edition")) != (programme, edition):
        base.faults.append(fault_at(reference.mark, ("extends",), "extends_mismatch", file=base_path))
    return base


def _no_base(reference: Node, code: str, /, **facts: object) -> Document:
    fault = fault_at(reference.mark, ("extends",), code, **facts)
    return Document(Node(reference.mark, items={}), [fault], whole=False)


def _without_extends(root: Node) -> Node:
    return replace(root, items={key: node for key, node in (root.items or {}).items() if key != "extends"})


def merged(base: Node, over: Node, faults: list[Fault], place: Place = ()) -> Node:
    """`over` laid on `base`; what cannot be removed is added to `faults`."""
    if base.items is not None and over.items is not None and not _retyped(base, over):
        return _merged_mapping(base, over, faults, place)
    if base.entries is not None and over.entries is not None and _by_id(base) and _by_id(over):
        entries = _merged_entries(base.entries, over.entries, faults, place)
        return replace(base, mark=over.mark, entries=entries, why=base.why if over.why is None else over.why)
    return over


def _retyped(base: Node, over: Node) -> bool:
    old, new = (base.items or {}).get("type"), (over.items or {}).get("type")
    return old is not None and new is not None and old.scalar != new.scalar


def _by_id(node: Node) -> bool:
    return bool(node.entries) and all(entry.id is not None for entry in node.entries or ())


def _merged_mapping(base: Node, over: Node, faults: list[Fault], place: Place) -> Node:
    items, keys = dict(base.items or {}), dict(base.keys)
    for key, node in (over.items or {}).items():
        keys[key] = over.keys[key]
        if node.removed:
            items.pop(key, None)
        else:
            items[key] = merged(items[key], node, faults, (*place, key)) if key in items else node
    return replace(
        base, mark=over.mark, items=items, keys=keys, why=base.why if over.why is None else over.why
    )


def _merged_entries(base: list[Node], over: list[Node], faults: list[Fault], place: Place) -> list[Node]:
    known = {entry.id: entry for entry in base}
    order = [entry.id for entry in base]
    for position, entry in enumerate(over):
        if _takes_away(entry):
            if entry.id not in known:
                faults.append(
                    fault_at(entry.mark, (*place, entry.id or position), "remove_unknown", id=entry.id)
                )
            continue
        if entry.id in known:
            known[entry.id] = merged(known[entry.id], entry, faults, (*place, entry.id or position))
            continue
        known[entry.id] = entry
        order.insert(_slot(order, over, position), entry.id)
    gone = {entry.id for entry in over if _takes_away(entry)}
    return [known[name] for name in order if name not in gone]


def _takes_away(entry: Node) -> bool:
    asked = (entry.items or {}).get("remove")
    return asked is not None and asked.scalar is True


def _slot(order: list[str | None], over: list[Node], position: int) -> int:
    """Where a new entry goes among those that are there."""
    before = [entry.id for entry in over[:position] if entry.id in order]
    if before:
        return order.index(before[-1]) + 1
    after = [entry.id for entry in over[position + 1 :] if entry.id in order]
    return order.index(after[0]) if after else len(order)
