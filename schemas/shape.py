"""A tree of values read as a Programme: pydantic's errors told in people's words, at the line where they stand."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.documents import UNSUPPLIED, Node
from schemas.faults import WORDS, Fault, Mark, Place, fault_at, nearest_word
from schemas.programme import Assumption, Programme

_INPUT_MAX = 60

# pydantic's type of error: our code; those of the same name go as they are.
_CODES = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "int_type"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "bool_type"),
    **dict.fromkeys(("tuple_type", "list_type"), "list_type"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "mapping_type"),
    **dict.fromkeys(("enum", "literal_error", "union_tag_invalid"), "one_of"),
    "string_pattern_mismatch": "identifier_form",
    "union_tag_not_found": "missing",
}
_KINDS = {
    "int_type": "integer",
    "bool_type": "true/false",
    "string_type": "text",
    "list_type": "list",
    "mapping_type": "mapping",
}


class Spot(NamedTuple):
    """Where an error stands: its value, the mark of the key that holds it, its place, and what of the way is no value."""

    node: Node
    key_mark: Mark
    place: Place
    rest: tuple[str | int, ...]


def read_shape(root: Node, assumptions: Iterable[Assumption]) -> tuple[Programme | None, list[Fault]]:
    """The Programme, or the faults of its shape; a value `?` is none, and gives neither."""
    raw = root.plain() | {"assumptions": [assumption.model_dump() for assumption in assumptions]}
    faults = _reserved(root)
    try:
        programme = Programme.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        return None, faults + _told(root, error)
    return (None if faults else programme), faults


def part(kind: Any, node: Node) -> Any:
    """A part of a programme by itself, unknown keys left aside; None where it cannot be read."""
    try:
        return _adapter(kind).validate_json(json.dumps(node.plain()), strict=True, extra="ignore")
    except ValidationError:
        return None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _reserved(root: Node) -> list[Fault]:
    """`assumptions` is gathered, never written."""
    if "assumptions" not in (root.items or {}):
        return []
    at = root.keys["assumptions"]
    return [fault_at(at, ("assumptions",), "extra_forbidden", "assumed", key="assumptions", known="")]


def _told(root: Node, error: ValidationError) -> list[Fault]:
    faults: list[Fault] = []
    alternatives: dict[Place, list[tuple[Spot, ErrorDetails]]] = defaultdict(list)
    for detail in error.errors(include_url=False):
        found = spot(root, detail["loc"])
        code = _CODES.get(detail["type"], detail["type"])
        if found.node.scalar is UNSUPPLIED or _only_echoes(found, detail):
            continue
        if found.rest and found.rest != ("[key]",) and code != "missing":
            alternatives[found.place].append((found, detail))
        else:
            faults.append(_fault(found, code, detail))
    return faults + [_of_alternatives(members) for members in alternatives.values()]


def _only_echoes(found: Spot, detail: ErrorDetails) -> bool:
    """True for a list called too short because its entries have faults of their own."""
    wanted = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and len(found.node.entries or ()) >= wanted


def spot(root: Node, loc: tuple[str | int, ...]) -> Spot:
    """Follow pydantic's location down the tree; the tag that it puts after a step's position is passed over."""
    node, key_mark = root, root.mark
    place: Place = ()
    rest: list[str | int] = []
    for before, here in zip((None, *loc), loc, strict=False):
        if (
            isinstance(before, int)
            and node.items
            and "type" in node.items
            and node.items["type"].scalar == here
        ):
            continue
        held = node.child(here) if isinstance(here, int) or node.items is not None else None
        if held is None:
            rest.append(here)
            continue
        key_mark = node.keys.get(str(here), held.mark)
        node, place = held, (*place, held.id or here) if isinstance(here, int) else (*place, here)
    return Spot(node, key_mark, place, tuple(rest))


def _fault(found: Spot, code: str, detail: ErrorDetails) -> Fault:
    facts: dict[str, Any] = {"input": _shown(detail["input"]), **detail.get("ctx", {})}
    place, mark, nearest = found.place, found.node.mark, ""
    match code:
        case "missing":
            key = detail["loc"][-1] if detail["type"] == "missing" else "type"
            facts["key"], place = key, (*place, key)
        case "extra_forbidden":
            facts["key"], mark, known = place[-1], found.key_mark, _keys_at(detail["loc"][:-1])
            nearest = nearest_word(place[-1], known)
            facts["known"] = "" if nearest else _listed(known)
        case "mapping_type":
            facts["known"] = _listed(_keys_at(detail["loc"]))
        case "one_of":
            words = _expected(detail)
            facts["expected"], nearest = ", ".join(words), nearest_word(detail["input"], words)
            if detail["type"] == "union_tag_invalid":
                tag = (found.node.items or {}).get("type", found.node)
                place, mark, facts["input"] = (*place, "type"), tag.mark, tag.text()
                nearest = nearest_word(tag.text(), words)
        case _ if code not in WORDS:
            code, facts["problem"] = "value_refused", detail["msg"]
        case _:
            pass
    if found.rest == ("[key]",):
        mark = found.key_mark
    return fault_at(mark, place, code, nearest, **facts)


def _of_alternatives(members: list[tuple[Spot, ErrorDetails]]) -> Fault:
    """One fault for a value that fits none of several forms."""
    found, first = members[0]
    if len(members) == 1:
        return _fault(found, _CODES.get(first["type"], first["type"]), first)
    kinds: list[str] = []
    words: list[str] = []
    for _, detail in members:
        code = _CODES.get(detail["type"], detail["type"])
        words += _expected(detail) if code == "one_of" else []
        kinds += _expected(detail) if code == "one_of" else [_KINDS.get(code, "identifier")]
    nearest, expected = nearest_word(first["input"], words), ", ".join(kinds)
    return fault_at(
        found.node.mark, found.place, "one_of", nearest, input=_shown(first["input"]), expected=expected
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _INPUT_MAX else text[: _INPUT_MAX - 1] + "…"


def _expected(detail: ErrorDetails) -> list[str]:
    ctx = detail.get("ctx", {})
    return re.findall(r"'([^']*)'", str(ctx.get("expected") or ctx.get("expected_tags") or ""))


def _listed(keys: list[str]) -> str:
    """The keys that a place knows, as they stand in a sentence of either language."""
    return f" [{', '.join(keys)}]" if keys else ""


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the language knows at a place, read from its JSON Schema."""
    whole = _schema()
    at = whole
    for step in loc:
        at = _down(_plain_schema(whole, at), step)
    keys = list(_plain_schema(whole, at).get("properties", {}))
    return [key for key in keys if key != "assumptions"] + ([] if loc else ["extends"])


@cache
def _schema() -> dict[str, Any]:
    return Programme.model_json_schema()


def _down(at: dict[str, Any], step: str | int) -> dict[str, Any]:
    if step in at.get("properties", {}):
        return at["properties"][step]  # type: ignore[no-any-return]
    mapping = at.get("discriminator", {}).get("mapping", {})
    if step in mapping:
        return {"$ref": mapping[step]}
    if isinstance(step, int):
        return at.get("items", at)  # type: ignore[no-any-return]
    patterns = at.get("patternProperties", {})
    return next(iter(patterns.values()), None) or at.get("additionalProperties") or at


def _plain_schema(whole: dict[str, Any], at: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed; of several forms the one that has keys, else the first that is not `null`."""
    while True:
        if "$ref" in at:
            at = whole["$defs"][at["$ref"].rsplit("/", 1)[-1]]
        elif forms := at.get("anyOf") or _untagged(at):
            some = [one for one in forms if one.get("type") != "null"]
            at = next(iter(sorted(some, key=lambda one: "$ref" not in one)), {})
        else:
            return at


def _untagged(at: dict[str, Any]) -> list[dict[str, Any]]:
    """The forms that no `type` tells apart."""
    forms: list[dict[str, Any]] = [] if "discriminator" in at else at.get("oneOf", [])
    return forms
