"""YAML read as a tree that knows where each value stands.

The tree is built from the parser's events, never by constructing objects: no tags, no floats, no repeated keys, and
limits on size, depth, aliases and expanded values, so that a hostile file is refused before it costs anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from unicodedata import normalize

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from schemas.faults import Fault, FaultFound, Mark, Place, fault_at

BYTES_MAX = 1_000_000
NODES_MAX = 20_000
ALIASES_MAX = 200
DEPTH_MAX = 40

# YAML keeps a lone `?` for complex keys, which no programme has; it is read as one character of the same width.
_STAND_IN = "\ue000"
_LONE_QUESTION = re.compile(r"([:,\-][ \t]+|[\[,][ \t]*)\?(?=[ \t]*(?:$|[,}\]\r\n]|[ \t]#))", re.MULTILINE)
_INTEGER = re.compile(r"[-+]?[0-9]{1,15}\Z")
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
_OTHER_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)\Z")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


@dataclass(frozen=True)
class Unsupplied:
    """The value `?`: somebody has yet to say it."""


UNSUPPLIED = Unsupplied()
Scalar = str | int | bool | Unsupplied | None


@dataclass(frozen=True)
class Node:
    """A value and where it stands: `items` of a mapping, `entries` of a list, or a `scalar`. `why` marks an assumption."""

    mark: Mark
    items: dict[str, Node] | None = None
    entries: list[Node] | None = None
    scalar: Scalar = None
    keys: dict[str, Mark] = field(default_factory=dict)
    why: str | None = None
    size: int = 1

    @property
    def id(self) -> str | None:
        """The id of a mapping that has one as text."""
        held = self.items.get("id") if self.items is not None else None
        return held.scalar if held is not None and isinstance(held.scalar, str) else None

    def plain(self) -> Any:
        """The value as JSON would hold it, `?` as text; what is removed by null is left out of mappings."""
        if self.items is not None:
            return {key: node.plain() for key, node in self.items.items() if not node.removed}
        if self.entries is not None:
            return [node.plain() for node in self.entries]
        return "?" if isinstance(self.scalar, Unsupplied) else self.scalar

    @property
    def removed(self) -> bool:
        """True for an explicit null."""
        return self.items is None and self.entries is None and self.scalar is None

    def text(self) -> str:
        """The value on one line."""
        plain = self.plain()
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)

    def at(self, place: Place) -> Node:
        """The value at a place, or the nearest one above it that is there."""
        node = self
        for part in place:
            held = node.child(part)
            if held is None:
                return node
            node = held
        return node

    def child(self, part: str | int) -> Node | None:
        """The value under a key, or in a list at a position or with an id; None if there is none."""
        if self.items is not None:
            return self.items.get(str(part))
        entries = self.entries or []
        if isinstance(part, int):
            return entries[part] if part < len(entries) else None
        return next((entry for entry in entries if entry.id == part), None)

    def walk(self, place: Place = ()) -> Iterator[tuple[Place, Node]]:
        """Every value with its place, itself first; things in lists go by their id."""
        yield place, self
        for key, node in (self.items or {}).items():
            yield from node.walk((*place, key))
        for position, node in enumerate(self.entries or ()):
            yield from node.walk((*place, node.id or position))


@dataclass
class Document:
    """A file's tree with what was wrong in it; `whole` is False where reading had to stop."""

    root: Node
    faults: list[Fault]
    whole: bool = True


def read_document(path: Path, name: str) -> Document:
    """Read the YAML file at `path`, called `name` in faults. Never raises for what the file holds."""
    try:
        return _Builder(name).build(_text_of(path, name))
    except FaultFound as found:
        return Document(Node(Mark(file=name), items={}), [found.fault], whole=False)


def _text_of(path: Path, name: str) -> str:
    whole = Mark(file=name)
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError:
        raise FaultFound(fault_at(whole, (), "file_missing", file=name)) from None
    if len(data) > BYTES_MAX:
        raise FaultFound(fault_at(whole, (), "file_too_large", limit=BYTES_MAX))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FaultFound(fault_at(Mark(file=name, line=line, column=1), (), "not_utf8")) from None


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    mark: Mark
    anchor: str | None
    is_mapping: bool
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    entries: list[Node] = field(default_factory=list)
    key: tuple[str, Mark] | None = None
    size: int = 1

    def close(self) -> Node:
        if self.is_mapping:
            return Node(self.mark, items=self.items, keys=self.keys, size=self.size)
        return Node(self.mark, entries=self.entries, size=self.size)


class _Builder:
    """Builds the tree of one file from the parser's events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.aliases = 0
        self.documents = 0
        self.root: Node | None = None

    def build(self, text: str) -> Document:
        try:
            for event in YAML(typ="safe", pure=True).parse(_LONE_QUESTION.sub(r"\1" + _STAND_IN, text)):
                self._take(event)
        except MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            mark = (
                Mark(file=self.name, line=at.line + 1, column=at.column + 1) if at else Mark(file=self.name)
            )
            raise FaultFound(
                fault_at(mark, (), "yaml_broken", problem=error.problem or error.context)
            ) from None
        except YAMLError as error:
            first = str(error).splitlines()[0]
            raise FaultFound(fault_at(Mark(file=self.name), (), "yaml_broken", problem=first)) from None
        return self._document()

    def _document(self) -> Document:
        root = self.root or Node(Mark(file=self.name, line=1, column=1), items={})
        if root.items is None:
            raise FaultFound(fault_at(root.mark, (), "mapping_wanted"))
        return Document(root, self.faults)

    def _take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._stop(event, "one_document")
            case AliasEvent():
                self._place(self._alias(event), event)
            case ScalarEvent():
                self._refuse_tag(event)
                self._scalar(event)
            case MappingStartEvent() | SequenceStartEvent():
                self._refuse_tag(event)
                if len(self.stack) >= DEPTH_MAX:
                    self._stop(event, "too_deep", limit=DEPTH_MAX)
                self.stack.append(
                    _Open(self._mark(event), event.anchor, isinstance(event, MappingStartEvent))
                )
            case MappingEndEvent() | SequenceEndEvent():
                self._end(event)
            case _:
                pass

    def _end(self, event: Event) -> None:
        closed = self.stack.pop()
        node = self._unwrapped(closed.close())
        self._refuse_repeated_ids(node)
        if closed.anchor:
            self.anchors[closed.anchor] = node
        self._place(node, event, closed.mark)

    def _scalar(self, event: ScalarEvent) -> None:
        top = self.stack[-1] if self.stack else None
        mark = self._mark(event)
        if top is not None and top.is_mapping and top.key is None:
            key = _written(event)
            if key in top.keys:
                self._add(mark, "key_repeated", key=key, first=top.keys[key].line)
            top.key = (key, mark)
            return
        node = Node(mark, scalar=self._value(event, mark))
        if event.anchor:
            self.anchors[event.anchor] = node
        self._place(node, event)

    def _value(self, event: ScalarEvent, mark: Mark) -> Scalar:
        value = _written(event)
        if value == "?":
            return UNSUPPLIED
        if event.style:
            return value
        if value in _WORDS:
            return _WORDS[value]
        if _INTEGER.match(value):
            return int(value)
        if _OTHER_INTEGER.match(value):
            self._add(mark, "integer_refused", value=value)
        elif _NUMBER_LIKE.match(value):
            self._add(mark, "float_refused", value=value)
        return value

    def _alias(self, event: AliasEvent) -> Node:
        self.aliases += 1
        if self.aliases > ALIASES_MAX:
            self._stop(event, "too_many_aliases", limit=ALIASES_MAX)
        if event.anchor not in self.anchors:
            self._stop(event, "alias_unknown", name=event.anchor)
        return self.anchors[event.anchor]

    def _place(self, node: Node, event: Event, mark: Mark | None = None) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += node.size
        if top.size > NODES_MAX:
            self._stop(event, "too_many_nodes", limit=NODES_MAX)
        if not top.is_mapping:
            top.entries.append(node)
        elif top.key is None:
            raise FaultFound(fault_at(mark or self._mark(event), (), "key_not_text"))
        else:
            key, key_mark = top.key
            top.items.setdefault(key, node)
            top.keys.setdefault(key, key_mark)
            top.key = None

    def _unwrapped(self, node: Node) -> Node:
        """`{assumed: VALUE, why: TEXT}` becomes VALUE, marked with its reason."""
        items = node.items or {}
        if "assumed" not in items:
            return node
        for key in items.keys() - {"assumed", "why"}:
            self._add(node.keys[key], "assumed_key", key=key)
        why = items.get("why")
        reason = why.scalar if why is not None else None
        if not isinstance(reason, str) or not reason.strip():
            self._add(node.keys["assumed"], "assumed_form")
            reason = ""
        return replace(items["assumed"], why=reason)

    def _refuse_repeated_ids(self, node: Node) -> None:
        seen: set[str] = set()
        for entry in node.entries or ():
            if entry.id is not None and entry.id in seen:
                self._add(entry.items["id"].mark if entry.items else entry.mark, "id_repeated", id=entry.id)
            seen.add(entry.id or "")

    def _refuse_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.tag:
            self._stop(event, "tag_refused", tag=event.tag)

    def _mark(self, event: Event) -> Mark:
        return Mark(file=self.name, line=event.start_mark.line + 1, column=event.start_mark.column + 1)

    def _add(self, mark: Mark, code: str, /, **facts: object) -> None:
        self.faults.append(fault_at(mark, self._whereabouts(), code, **facts))

    def _stop(self, event: Event, code: str, /, **facts: object) -> NoReturn:
        raise FaultFound(fault_at(self._mark(event), self._whereabouts(), code, **facts))

    def _whereabouts(self) -> Place:
        """The place where reading stands, for faults found before the tree is whole."""
        place: list[str | int] = []
        for level in self.stack:
            if level.is_mapping and level.key is not None:
                place.append(level.key[0])
            elif not level.is_mapping:
                place.append(len(level.entries))
        return tuple(place)


def _written(event: ScalarEvent) -> str:
    return normalize("NFC", event.value.replace(_STAND_IN, "?"))
