"""`audit export`: one cycle's evidence as an archive that anybody can check, without us and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO
from zipfile import LargeZipFile

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Desk, command
from cli.output import Outcome, table
from projections.evidence import Exported, export
from proof.note import encoded
from runtime.timestamps import trusted_certificates
from schemas.errors import BadUsage
from schemas.ledger import JsonObject
from store.archive import HistoryArchive
from store.auditing import snapshot


@command(
    "audit export",
    zh="导出一届的证据包（zip）：记录、所依评选办法、单位与日历、签名检查点、时间戳、树叶散列、封存计票、归档历史、清单。"
    "先核验整本日志。未结束评审的评分与异议人依规则封存，只列其位置与散列；不含个人信息。"
    "导出只读，不在日志中留痕。核验见 verifiers/。",
    en="Write one cycle's evidence bundle (zip): events, the programme, units and calendar that they pin, signed "
    "checkpoints, time-stamps, every leaf's hash, sealed tallies, archived histories, a manifest. The whole log is verified first. "
    "Open panels' marks and who objected stay sealed: their place and hash alone. No personal data. Exporting only "
    "reads, so the log does not tell of it. verifiers/ checks the bundle.",
    example="audit export --cycle sichuan-craftsman.1 --to evidence.zip",
)
async def export_bundle(
    *,
    cycle: Cycle,
    to: Annotated[
        Path, Parameter(help="写入的文件，不得已存在 · the file to write; it must not be there yet")
    ],
    whole: Annotated[
        bool,
        Parameter(
            help="连同其他各届的记录，使无遗漏可被证明 · with all other cycles' events, so that nothing left out is proven"
        ),
    ] = False,
    desk: AtDesk,
) -> Outcome:
    exported = await _write(desk, cycle, to, whole=whole)
    said = {"file": str(to), "bytes": to.stat().st_size, "cycle": cycle, "whole": whole} | _counts(exported)
    return Outcome(json=said, shown=table(("", desk.say("已导出", "exported")), _told(said, desk)))


async def _write(desk: Desk, cycle: str, to: Path, *, whole: bool) -> Exported:
    """The file whole, or none at all; BadUsage OUT_FILE."""
    certificates = trusted_certificates(desk.settings.timestamp_certificates)
    with _new_file(to) as file:
        async with snapshot(desk.audit_dsn) as connection, HistoryArchive(desk.audit_dsn) as archive:
            histories = archive.read("" if whole else cycle)
            trusted = desk.settings.trusted()
            return await export(
                connection, cycle, file, trusted, histories, whole=whole, certificates=certificates
            )


@contextmanager
def _new_file(to: Path) -> Iterator[BinaryIO]:
    """A file that was not there before, and is not there afterwards if what fills it fails."""
    try:
        file = to.open("xb")
    except OSError as fault:
        raise BadUsage("OUT_FILE", file=to, fault=fault.strerror) from None
    try:
        with file:
            yield file
    except LargeZipFile:
        to.unlink()
        raise BadUsage("OUT_FILE", file=to, fault="> 4 GiB") from None
    except BaseException:
        to.unlink()
        raise


def _counts(exported: Exported) -> JsonObject:
    return {
        "checkpoint": {
            "origin": exported.checkpoint.origin,
            "size": exported.checkpoint.size,
            "root": encoded(exported.checkpoint.root),
        },
        "events": exported.events,
        "withheld": exported.withheld,
        "closed": exported.closed,
        "later": exported.later,
        "manifest_sha256": exported.manifest,
    }


def _told(said: JsonObject, desk: Desk) -> list[tuple[str, str]]:
    checkpoint = said["checkpoint"]
    return [
        (said["file"], desk.say(f"{said['bytes']} 字节", f"{said['bytes']} bytes")),
        (f"{checkpoint['size']}:{checkpoint['root']}", desk.say("检查点", "checkpoint")),
        (str(said["events"]), desk.say("条记录", "events")),
        (str(said["withheld"]), desk.say("条依规则封存，仅存散列", "sealed by rule, hash only")),
        (str(said["closed"]), desk.say("片其他树叶，仅存散列", "leaves of others, hash only")),
        (str(said["later"]), desk.say("条晚于检查点，未含", "later than the checkpoint, not in it")),
        (said["manifest_sha256"], desk.say("清单 SHA-256", "SHA-256 of the manifest")),
    ]
