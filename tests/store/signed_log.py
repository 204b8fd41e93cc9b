"""A small log on a real database that can be written, put in order, signed, and tampered with."""

from __future__ import annotations

import asyncpg

from proof.checkpoint import Checkpoint
from proof.note import SigningKey
from schemas.ledger import Head
from store.checkpoints import CheckpointSigner
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from tests.store.commands import command
from tests.support.databases import Database

KEY = SigningKey("xuanshu.test/log", b"k" * 32)


class Log:
    """A small log that can be written, put in order and signed, step by step."""

    def __init__(self, database: Database, store: PostgresEventStore) -> None:
        self.database, self.store = database, store
        self.sequencer = Sequencer(database.dsns.sequencer)
        self.signer = self.another_signer()
        self.heads: dict[str, Head] = {}

    def another_signer(self, **options: object) -> CheckpointSigner:
        return CheckpointSigner(self.database.dsns.sequencer, KEY, **options)  # type: ignore[arg-type]

    async def write(self, *streams: str) -> None:
        for stream in streams:
            head = self.heads.get(stream, Head())
            receipt = await self.store.append(command(stream, f"c{head.seq}", head))
            self.heads[stream] = receipt.head

    async def order(self) -> None:
        while await self.sequencer.step():
            pass

    async def sign(self) -> Checkpoint | None:
        await self.order()
        return await self.signer.step()

    async def kept(self) -> list[asyncpg.Record]:
        admin = await asyncpg.connect(self.database.owner_dsn)
        rows: list[asyncpg.Record] = await admin.fetch("SELECT * FROM ledger.checkpoint ORDER BY size")
        await admin.close()
        return rows

    async def tamper(self, *statements: str) -> None:
        admin = await asyncpg.connect(self.database.owner_dsn)
        for table in ("event", "leaf", "checkpoint", "cosignature"):
            await admin.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER no_change")
        for one in statements:
            await admin.execute(one)
        await admin.close()
