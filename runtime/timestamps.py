"""Has the newest checkpoint time-stamped once a day (RFC 3161), by authorities that know nothing of us but a hash.

It runs beside the publisher and shares nothing with it but the database: no authority can hold up what is published.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from domain.calendar import local_date
from proof.note import parse_note
from proof.timestamp import verified_time
from runtime.reading import fetch
from schemas.errors import Unavailable
from store.pausing import pause
from store.pool import connection_to
from store.statements import statement

ASK_EVERY_SECONDS = 60.0
ASK_SELDOM_SECONDS = 3600.0
_PATIENCE_SECONDS = 20.0
_QUERY = "application/timestamp-query"
_log = structlog.get_logger()


class Timestamper:
    """Asks the authorities at `urls`; `dsn` is the sequencer's, `certificates` the file of those that are trusted."""

    def __init__(self, dsn: str, urls: Iterable[str], certificates: Path | None) -> None:
        self._dsn = dsn
        self._authorities = {authority_name(url): url for url in urls}
        self._certificates = certificates

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set; after what went wrong the pause is twice as long, up to an hour."""
        seconds = ASK_EVERY_SECONDS
        while not stop.is_set():
            seconds = min(2 * seconds, ASK_SELDOM_SECONDS)
            try:
                if await self.step(datetime.now(UTC)):
                    seconds = ASK_EVERY_SECONDS
            except Unavailable as fault:
                _log.warning("timestamp_waits", fault=str(fault))
            await pause(stop, seconds)

    async def step(self, now: datetime) -> bool:
        """Ask whoever has not stamped on that day in Shanghai; whether nobody is left to ask.

        Raises Unavailable: STORE_UNAVAILABLE, CERTIFICATES_UNREADABLE or, as nothing unverified is kept, SETTING_MISSING.
        """
        roots = needed(trusted_certificates(self._certificates))
        async with connection_to(self._dsn) as connection:
            day = local_date(now)
            return all([await self._stamp(connection, one, day, roots) for one in self._authorities])

    async def _stamp(
        self, connection: asyncpg.Connection, authority: str, day: date, roots: Sequence[Certificate]
    ) -> bool:
        """Whether this authority need not be asked again; the held row keeps other publishers from asking meanwhile."""
        async with connection.transaction():
            if await connection.fetchval(statement("hold_timestamping")) is None:
                return False
            row = await connection.fetchrow(statement("checkpoint_to_stamp"), day, authority)
            if row is None:
                return True
            token = await self._token(authority, row, roots)
            if token is not None:
                await connection.execute(statement("add_timestamp_token"), day, authority, row["size"], token)
            return token is not None

    async def _token(self, authority: str, row: asyncpg.Record, roots: Sequence[Certificate]) -> bytes | None:
        """Its token on that checkpoint, verified; none for any other answer."""
        try:
            text = parse_note(row["note"].encode()).text
            asked = TimestampRequestBuilder(text.encode(), HashAlgorithm.SHA256, nonce=True, cert_req=True)
            query = asked.build()
            async with asyncio.timeout(_PATIENCE_SECONDS):
                url = self._authorities[authority]
                token = await asyncio.to_thread(fetch, url, query.as_bytes(), _QUERY)
            verified_time(token, text, roots, query.nonce)
        except (OSError, ValueError) as fault:
            event = "timestamp_away" if isinstance(fault, OSError) else "timestamp_refused"
            _log.warning(event, authority=authority, size=row["size"], fault=str(fault))
            return None
        return token


def authority_name(url: str) -> str:
    """What an authority is called in files and rows: its host and path, of a URL that may carry secrets."""
    parts = urlsplit(url)
    return re.sub(r"[^a-z0-9.]+", "-", f"{parts.netloc.rpartition('@')[2]}{parts.path}".lower()).strip("-.")


def trusted_certificates(file: Path | None) -> tuple[Certificate, ...]:
    """The certificates of a PEM file, none of no file; Unavailable CERTIFICATES_UNREADABLE."""
    try:
        return tuple(load_pem_x509_certificates(file.read_bytes())) if file else ()
    except (OSError, ValueError) as fault:
        raise Unavailable("CERTIFICATES_UNREADABLE", file=file, fault=fault) from fault


def needed(roots: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """These certificates, without which nobody could say whose a token is; Unavailable SETTING_MISSING."""
    if not roots:
        setting = "timestamp_certificates"
        raise Unavailable("SETTING_MISSING", setting=setting, variable=f"XUANSHU_{setting.upper()}")
    return roots
