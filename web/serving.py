"""Small HTTP services on granian, in one process: a function answers a method, a path and a body."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """A whole answer; `more` are further headers."""

    status: HTTPStatus
    body: bytes
    kind: str = _TEXT
    more: tuple[tuple[str, str], ...] = ()


class App:
    """What granian calls; a request whose body is above `body_max` bytes is refused with 413."""

    def __init__(self, answer: Callable[[str, str, bytes], Awaitable[Answer]], body_max: int = 0) -> None:
        self._answer = answer
        self._body_max = body_max

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        body = await self._body(protocol)
        if body is None:
            found = text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            found = await self._answer(scope.method, scope.path, body)
        headers = [("content-type", found.kind), ("content-length", str(len(found.body))), *found.more]
        sent = b"" if scope.method == "HEAD" else found.body
        protocol.response_bytes(found.status.value, headers, sent)

    async def _body(self, protocol: Any) -> bytes | None:
        body = bytearray()
        async for chunk in protocol:
            body += chunk
            if len(body) > self._body_max:
                return None
        return bytes(body)


def text(status: HTTPStatus) -> Answer:
    """The bare status in words."""
    return Answer(status, f"{status.value} {status.phrase}\n".encode())


def serve(app: App, address: str) -> None:
    """Serve at `host:port` until SIGTERM or SIGINT, which let requests that are inside finish."""
    asyncio.run(run(app, address))


async def run(app: App, address: str) -> None:
    """As `serve`, in the loop of the caller, who may cancel it."""
    host, _, port = address.rpartition(":")
    server = Server(
        app,
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    await server.serve()
