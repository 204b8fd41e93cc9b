"""`audit verify`: the bytes, the order, the signed roots and the read side of the whole log, from Postgres alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from cli.audit.anchors import anchors_of
from cli.desk import AtDesk, Desk, command
from cli.output import Outcome, in_beijing, table
from projections.projector import Projector
from proof.note import KeyKind, encoded
from runtime.timestamps import trusted_certificates
from schemas.canonical import instant
from schemas.errors import Integrity
from schemas.ledger import JsonObject
from store.auditing import Verified, snapshot, verify_log
from store.contract import EventStore
from store.timestamps import Timestamp

Against = Annotated[
    tuple[str, ...],
    Parameter(
        help="数据库之外所存的检查点：文件、发布文件夹、URL、检查点旁的时间戳（.tsr），或公告所印 SIZE:ROOT，可多次 · "
        "what was kept elsewhere: a file, a published folder, a URL, a time-stamp (.tsr) beside its checkpoint, or "
        "SIZE:ROOT as a notice prints it"
    ),
]


@command(
    "audit verify",
    zh="核验整本日志：逐条重算散列与各流之链，全局顺序自 1 起无缺，无逾时未排序、未签署者，每个检查点的签名与根相符，"
    "时间戳属于其检查点，查询视图与日志一致；--against 与数据库之外所存的检查点相比。不符则退出码 6，并说明自何处起。",
    en="Verify the whole log: every body's hash and every stream's chain, the global order from 1 without a hole, nothing "
    "left out of it or unsigned for long, every checkpoint's signature and root, every time-stamp, the read side equal to the "
    "fold; --against compares with checkpoints kept elsewhere. Exit code 6 says from where on it differs.",
    example="audit verify --against https://audit.example.org/log --json",
)
async def verify(*, against: Against = (), desk: AtDesk) -> Outcome:
    keys = desk.settings.trusted()
    certificates = trusted_certificates(desk.settings.timestamp_certificates)
    anchors = await anchors_of(against, keys, certificates)
    async with snapshot(desk.audit_dsn) as connection:
        found = await verify_log(connection, datetime.now(UTC), keys, anchors, certificates)
    await _verify_views(await desk.store(), desk.audit_dsn)
    is_known = any(key.kind is KeyKind.LOG for key in keys)
    said = {
        "ok": True,
        "streams": found.streams,
        "events": found.events,
        "positions": found.positions,
        "checkpoints": found.checkpoints,
        "signatures_checked": is_known,
        "cosignatures": found.cosignatures,
        "timestamps": [_stamp(one, is_verified=bool(certificates)) for one in found.timestamps],
        "against": [anchor.source for anchor in anchors],
        "root": encoded(found.root),
        "newest": {"size": found.newest.size, "root": encoded(found.newest.root)} if found.newest else None,
    }
    return Outcome(
        json=said, shown=table(("", desk.say("核验通过", "verified")), _told(found, is_known, said, desk))
    )


def _stamp(one: Timestamp, *, is_verified: bool) -> JsonObject:
    """What a token says; who signed it is undecided unless certificates are trusted."""
    place = {"day": one.day.isoformat(), "authority": one.authority, "size": one.size}
    return place | {"time": instant(one.time), "verdict": "verified" if is_verified else "undecided"}


def _told(found: Verified, is_known: bool, said: JsonObject, desk: Desk) -> list[tuple[str, str]]:
    unchecked = desk.say(
        "（未验签名：请设 XUANSHU_TRUSTED_KEYS）", " (signatures unchecked: set XUANSHU_TRUSTED_KEYS)"
    )
    newest = f"{found.newest.size}:{encoded(found.newest.root)}" if found.newest else "–"
    return [
        (str(found.streams), desk.say("流：散列链完整", "streams, every chain whole")),
        (str(found.events), desk.say("条记录：散列相符", "events, every hash right")),
        (str(found.positions), desk.say("个位置：自 1 起无缺", "positions, dense from 1")),
        (
            str(found.checkpoints),
            desk.say("个检查点：根相符", "checkpoints, every root right") + ("" if is_known else unchecked),
        ),
        (str(found.cosignatures), desk.say("个见证签名", "cosignatures of witnesses")),
        *((in_beijing(one["time"]), _stamped(one, desk)) for one in said["timestamps"]),
        *((in_beijing(place), desk.say("与之相符", "agrees")) for place in said["against"]),
        (newest, desk.say("最新检查点", "the newest checkpoint")),
    ]


def _stamped(one: JsonObject, desk: Desk) -> str:
    told = desk.say(
        f"{one['authority']} 的时间戳：检查点 {one['size']}",
        f"time-stamp of {one['authority']} on the checkpoint at {one['size']}",
    )
    if one["verdict"] == "verified":
        return told
    return told + desk.say(
        "（未判定：请设 XUANSHU_TIMESTAMP_CERTIFICATES）", " (undecided: set XUANSHU_TIMESTAMP_CERTIFICATES)"
    )


async def _verify_views(store: EventStore, dsn: str) -> None:
    projector = Projector(store, dsn)
    try:
        for fault in await projector.compare(store):
            raise Integrity("VIEWS_DIFFER", fault=fault)
    finally:
        await projector.close()
