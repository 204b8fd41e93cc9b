"""The JSON Schema by which an editor helps who writes a programme: the types, and the forms that only files have.

Everywhere a value may also be `?` or `{assumed: VALUE, why: TEXT}`; a file that extends another may leave anything out,
remove by null, and name things by id alone.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from schemas.programme import Programme

JsonSchema = dict[str, Any]

_FORMS: JsonSchema = {
    "Unsupplied": {"const": "?", "description": "Nobody has supplied this yet; it blocks opening."},
    "Why": {"type": "string", "minLength": 1, "description": "Why this value was assumed."},
    "Removed": {
        "description": "Takes away what the base has under this id.",
        "type": "object",
        "properties": {"id": {"type": "string"}, "remove": {"const": True}},
        "required": ["id", "remove"],
        "additionalProperties": False,
    },
}


def programme_json_schema() -> JsonSchema:
    """The schema of a programme's file, draft 2020-12."""
    plain = Programme.model_json_schema(mode="validation")
    definitions = plain.pop("$defs") | {"Programme": plain}
    del plain["properties"]["assumptions"]
    whole = {name: _written(schema, partial=False) for name, schema in definitions.items()}
    partial = {f"{name}Part": _written(schema, partial=True) for name, schema in definitions.items()}
    partial["ProgrammePart"]["properties"]["extends"] = {
        "type": "string",
        "pattern": r"^[a-z][a-z0-9-]*@[1-9][0-9]*$",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Programme",
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": "#/$defs/ProgrammePart"},
        "else": {"$ref": "#/$defs/Programme"},
        "$defs": whole | partial | _FORMS,
    }


def schema_text() -> str:
    """The file `programmes/programme.schema.json`, which the programmes name in their first line."""
    return json.dumps(programme_json_schema(), ensure_ascii=False, indent=1) + "\n"


def _written(schema: JsonSchema, partial: bool) -> JsonSchema:
    """A type's schema as a file may write it; `partial` where the file extends another."""
    schema = deepcopy(schema)
    if partial:
        schema.pop("required", None)
    elif "const" in schema.get("properties", {}).get("type", {}):
        schema["required"] = ["type", *schema.get("required", [])]
    properties = schema.get("properties", {})
    for key, value in properties.items():
        properties[key] = _open(value, partial)
    schema.pop("title", None)
    return schema


def _open(schema: JsonSchema, partial: bool) -> JsonSchema:
    """A value's schema with the forms that stand for a value."""
    inner = _inner(schema, partial)
    forms = [inner, {"$ref": "#/$defs/Unsupplied"}, _assumed(inner)]
    return {"anyOf": [*forms, {"type": "null"}] if partial else forms}


def _assumed(inner: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": {"assumed": inner, "why": {"$ref": "#/$defs/Why"}},
        "required": ["assumed", "why"],
        "additionalProperties": False,
    }


def _inner(schema: JsonSchema, partial: bool) -> JsonSchema:
    """The schema with what it holds opened too, and its references led to partial types where that is wanted."""
    schema = {key: value for key, value in schema.items() if key not in {"title", "discriminator", "default"}}
    if "$ref" in schema and partial:
        schema["$ref"] += "Part"
    if "items" in schema:
        schema["items"] = _open(schema["items"], partial)
        if partial:
            schema["items"]["anyOf"].append({"$ref": "#/$defs/Removed"})
            schema.pop("minItems", None)
    for holder in ("additionalProperties", "patternProperties"):
        if isinstance(schema.get(holder), dict):
            schema[holder] = _held(schema[holder], holder, partial)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            schema["anyOf"] = [_inner(one, partial) for one in schema.pop(choice)]
    return schema


def _held(held: JsonSchema, holder: str, partial: bool) -> JsonSchema:
    if holder == "additionalProperties":
        return _open(held, partial)
    return {pattern: _open(one, partial) for pattern, one in held.items()}
