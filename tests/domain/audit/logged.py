"""A world that keeps a log besides, in the order in which things were written: what an audit reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.audit.past import Past
from domain.decision import Decision
from schemas import names
from schemas.commands import CloseIntake, Command
from schemas.events import Event
from schemas.ledger import GENESIS, Actor, RecordedEvent
from schemas.units import UnitTree
from tests.domain.specification import INTAKE, World, Written, declared

RULES = "r"


@dataclass
class LoggedWorld(World):
    log: list[RecordedEvent] = field(default_factory=list)

    def note(self, stream: str, one: Written) -> None:
        """What another world wrote, into this one's log."""
        self.streams.setdefault(stream, []).append(one)
        actor = Actor(id=one.actor, role="engine")
        command = Command(id=one.command, stream=stream, actor=actor, received_at=one.at, body=CloseIntake())
        decision = Decision(subject=one.subject)
        self.log.append(self._recorded(command, decision, one.event, len(self.streams[stream]), 0))

    def write(self, command: Command, decision: Decision) -> tuple[Event, ...]:
        before = len(self.streams.get(command.stream, ()))
        written = super().write(command, decision)
        if decision.already:
            return written
        for number, event in enumerate(self.streams.get(command.stream, [])[before:]):
            self.log.append(self._recorded(command, decision, event.event, before + number + 1, number))
        return written

    def _recorded(
        self, command: Command, decision: Decision, event: Event, seq: int, ordinal: int
    ) -> RecordedEvent:
        new = event.new(decision.subject)
        return RecordedEvent(
            stream=command.stream,
            seq=seq,
            ordinal=ordinal,
            type=new.type,
            v=new.v,
            at=command.received_at,
            recorded=command.received_at,
            actor=command.actor,
            grant=decision.grant,
            cause=command.cause,
            command_id=command.id,
            payload_hash="0" * 64,
            rules=RULES,
            subject=decision.subject,
            data=new.data,
            prev=GENESIS,
            hash=GENESIS,
            log=names.log_origin(self.cycle),
            position=len(self.log) + 1,
        )

    def read_back(self) -> Past:
        return Past(tuple(self.log), {RULES: self.programme}, self.tree)


def logged(
    *said: dict[str, Any],
    members: Sequence[str] | dict[str, dict[str, Any]],
    stage: dict[str, Any] | None = None,
    **more: Any,
) -> LoggedWorld:
    """A world of one unit whose pool is frozen with these members, as `with_members`, with its log."""
    province = {"steps": [INTAKE, *said]} | (stage or {})
    programme = declared([{"id": "river", "ranks": ["province"]}], {"province": province}, **more)
    tree = UnitTree.model_validate(
        {"root": "9", "units": [{"code": "9", "name": "测试省", "rank": "province"}]}
    )
    world = LoggedWorld(programme, tree)
    world.open()
    facts = members if isinstance(members, dict) else {id: {} for id in members}
    for id, known in facts.items():
        world.submit(id, **known)
    world.close_intake()
    world.begin()
    return world
