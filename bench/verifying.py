"""Verifying a whole log and only reading it; as a process of its own it tells the most memory that it took."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from proof.note import VerifierKey
from store.auditing import verify_log
from store.checkpoints import ROWS_AT_ONCE
from store.statements import statement


async def verify(connection: asyncpg.Connection, key: VerifierKey) -> int:
    """Chains, order, heads, tree, every checkpoint's root and signature; how many events."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await verify_log(connection, datetime.now(UTC), [key])
    assert found.checkpoints
    return found.positions


async def drain(connection: asyncpg.Connection) -> int:
    """Every row of the order in pages, as the verification asks for them, and nothing done with them."""
    position = 0
    while rows := await connection.fetch(statement("bodies_in_order"), position, ROWS_AT_ONCE):
        position += len(rows)
    return position


async def _main(dsn: str, key: str) -> None:
    connection = await asyncpg.connect(dsn)
    await verify(connection, VerifierKey.parse(key))
    await connection.close()
    status = await asyncio.to_thread(Path("/proc/self/status").read_text)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)  # of this program alone, unlike ru_maxrss after a fork
    sys.stdout.write(json.dumps({"peak_mb": int(peak) // 1024}))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
