"""`audit prove`, `audit publish`, `audit key`: take what proves the log out of the database."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.audit.reading import DIGITS_MAX
from cli.desk import AtDesk, command
from cli.office.files import put
from cli.output import Outcome, table
from proof.note import KeyKind, NoteError, SigningKey, encoded
from runtime.publishing import Publisher
from schemas.errors import BadUsage
from store.auditing import snapshot
from store.receipts import receipt_of

_SEED_BYTES = 32


@command(
    "audit prove",
    zh="为一条记录出具收据（C2SP tlog-proof 文本）：它在日志中的位置，以及到已签署之根的路径；无须数据库即可核验。",
    en="A receipt for one event (C2SP tlog-proof): its place in the log and the path to a signed root, to be checked "
    "without the database.",
    example="audit prove nomination/sichuan-craftsman.1/N1@2 --out n1.tlog-proof",
)
async def prove(
    event: Annotated[str, Parameter(help="STREAM@SEQ，如回执与 audit replay 所示 · as receipts name it")],
    *,
    out: Annotated[
        Path | None, Parameter(help="写入的文件，默认打印 · the file to write; printed by default")
    ] = None,
    desk: AtDesk,
) -> Outcome:
    stream, found, seq = event.rpartition("@")
    if not found or not stream or not seq.isdecimal() or len(seq) > DIGITS_MAX:
        raise BadUsage("ADDRESS", written=event, expected="STREAM@SEQ")
    async with snapshot(desk.audit_dsn) as connection:
        receipt = await receipt_of(connection, stream, int(seq))
    said = {"stream": stream, "seq": int(seq), "position": receipt.leaf + 1, "receipt": str(receipt)}
    if out is not None:
        return put([(out, str(receipt).encode())], desk, **{**said, "receipt": str(out)})
    return Outcome(json=said, shown=str(receipt))


@command(
    "audit publish",
    zh="将已签署的日志发布到文件夹：检查点与静态分块（C2SP tlog-tiles），可由任何网页服务器提供、由任何人镜像。"
    "--entries 连同记录正文（含未公开的评分，只给审计单位）。",
    en="Publish the signed log to a folder: checkpoint and static tiles (C2SP tlog-tiles), for any web server to serve "
    "and anybody to mirror. --entries adds the events themselves, among them marks still sealed: for auditors alone.",
    example="audit publish --to /srv/log",
)
async def publish(
    *,
    to: Annotated[Path, Parameter(help="发布到的文件夹 · the folder")],
    entries: Annotated[bool, Parameter(help="连同记录正文 · the events too")] = False,
    desk: AtDesk,
) -> Outcome:
    made = await Publisher(desk.audit_dsn, to, desk.settings.trusted(), entries=entries).step()
    if made is None:
        return Outcome(json={"size": 0}, shown=desk.say("尚无已签署的检查点", "nothing is signed yet"))
    said = {"origin": made.origin, "size": made.size, "root": encoded(made.root), "to": str(to)}
    return Outcome(json=said, shown=table(("", desk.say("已发布", "published")), said.items()))


@command(
    "audit key",
    zh="生成一对密钥：私钥交给设置 XUANSHU_LOG_KEY（或见证的 XUANSHU_WITNESS_KEY、XUANSHU_WITNESS_ML_DSA_KEY），公钥交给所有核验者。",
    en="Make a pair of keys: the private one for XUANSHU_LOG_KEY (or a witness's XUANSHU_WITNESS_KEY or "
    "XUANSHU_WITNESS_ML_DSA_KEY), the public one for all who verify.",
    example="audit key awards.example.org/log",
)
async def key(
    name: Annotated[str, Parameter(help="公开的名称，如 awards.example.org/log · its public name")],
    *,
    witness: Annotated[bool, Parameter(help="见证的密钥 · a witness's")] = False,
    ml_dsa: Annotated[
        bool, Parameter(help="见证的第二把密钥，ML-DSA-44 · a witness's second one, by ML-DSA-44")
    ] = False,
    desk: AtDesk,
) -> Outcome:
    seed = secrets.token_bytes(_SEED_BYTES)
    kind = KeyKind.WITNESS if witness else KeyKind.LOG
    try:
        made = SigningKey(name, seed, KeyKind.WITNESS_ML_DSA if ml_dsa else kind)
    except NoteError as fault:
        raise BadUsage("KEY_NAME", name=name) from fault
    said = {"private": seed.hex(), "public": str(made.verifier)}
    words = {
        "private": desk.say("私钥，勿与数据库同存", "private: keep it away from the database"),
        "public": desk.say("公钥，公开", "public"),
    }
    return Outcome(json=said, shown=table(("", name), [(words[k], said[k]) for k in said]))
