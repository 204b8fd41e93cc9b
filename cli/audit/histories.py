"""Where audits of Temporal's side read: the archive by the auditor's login, and Temporal itself where it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client

from cli.desk import Desk
from runtime.temporal import connect
from schemas.errors import Unavailable
from store.archive import HistoryArchive

_PATIENCE_SECONDS = 5


@asynccontextmanager
async def archive(desk: Desk) -> AsyncIterator[HistoryArchive]:
    """The archive, to be read."""
    async with HistoryArchive(desk.audit_dsn) as opened:
        yield opened


async def temporal_if_there(desk: Desk) -> Client | None:
    """A client, or None where no server answers; SETTING_MISSING and a wrong key stay errors."""
    try:
        return await connect(desk.settings, patience_seconds=_PATIENCE_SECONDS)
    except Unavailable as away:
        if away.code != "TEMPORAL_UNAVAILABLE":
            raise
        return None
