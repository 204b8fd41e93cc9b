"""WeChat: the code that its login hands to the page is exchanged for the voter's open id, server to server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import ClassVar
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

from schemas.errors import Refused, Unavailable
from web.identity import Asked, Identity

_PATIENCE_SECONDS = 5
_ANSWER_BYTES_MAX = 16_384
EXCHANGES_MAX = 64
"""Codes that a process exchanges at once: while WeChat is slow, further voters are told so and fill no places inside."""
_BUSY = (-1, 45011)  # what WeChat says where the same request may be tried again


class _Answer(msgspec.Struct):
    openid: str = ""
    errcode: int = 0


class WeChat:
    """`url` is WeChat's own, or a rehearsal's that answers alike; the proof has one entry, `code`."""

    by: ClassVar[str] = "wechat"

    def __init__(self, url: str, app_id: str, secret: str) -> None:
        self._url = f"{url.rstrip('/')}/sns/oauth2/access_token"
        self._credentials = {"appid": app_id, "secret": secret, "grant_type": "authorization_code"}
        self._threads = ThreadPoolExecutor(EXCHANGES_MAX, "wechat")
        self._under_way = 0

    async def vouch(self, asked: Asked) -> Identity:
        if self._under_way >= EXCHANGES_MAX:
            raise Unavailable("IDENTITY_AWAY", by=self.by)
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, self._exchange, asked.proof.get("code", ""))
        finally:
            self._under_way -= 1
        if answer.errcode in _BUSY:
            raise Unavailable("IDENTITY_AWAY", by=self.by)
        if not answer.openid:
            raise Refused("IDENTITY_REFUSED", fault=f"WeChat · 微信 {answer.errcode}")
        return Identity("wechat", answer.openid, channel="wechat")

    def _exchange(self, code: str) -> _Answer:
        query = urlencode(self._credentials | {"code": code})
        try:
            with urlopen(f"{self._url}?{query}", timeout=_PATIENCE_SECONDS) as reply:  # noqa: S310 -- the settings' own address
                return msgspec.json.decode(reply.read(_ANSWER_BYTES_MAX), type=_Answer)
        except (OSError, HTTPException, msgspec.DecodeError) as fault:
            # What was asked holds the secret and the code: neither goes into an error.
            raise Unavailable("IDENTITY_AWAY", by=self.by) from fault
