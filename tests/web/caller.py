"""A small HTTP/1.1 client on asyncio that keeps its connection: what a voter's browser does, and many of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import orjson


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = orjson.loads(self.raw)
        return said

    @property
    def code(self) -> str:
        """The code with which something was refused."""
        return str(self.body["error"]["code"])


class Caller:
    """One connection, opened again when the other side closes it; raises OSError when nobody answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._drop()

    async def post(self, path: str, body: Any, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await self.send("POST", path, raw, given)

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path, b"", {})

    async def send(self, method: str, path: str, raw: bytes, headers: dict[str, str]) -> Reply:
        lines = [f"{method} {path} HTTP/1.1", "host: here"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST" and "transfer-encoding" not in headers:
            lines.append(f"content-length: {len(raw)}")
        try:
            reader, writer = await self._open()
            writer.write("\r\n".join([*lines, "", ""]).encode() + raw)
            return await self._reply(reader)
        except BaseException:
            self._drop()
            raise

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError as cut:
            raise ConnectionResetError("closed before an answer") from cut
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self._drop()
        return Reply(int(head[0].split()[1]), headers, raw)

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
