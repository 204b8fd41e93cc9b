"""WeChat: the code that its login hands to the page is exchanged for the voter's open id, server to server."""

from __future__ import annotations

import asyncio
from http.client import HTTPException
from typing import ClassVar
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

from schemas.errors import Refused, Unavailable
from web.identity import Asked, Identity

_PATIENCE_SECONDS = 5
_ANSWER_BYTES_MAX = 16_384


class _Answer(msgspec.Struct):
    openid: str = ""
    errcode: int = 0


class WeChat:
    """`url` is WeChat's own, or a rehearsal's that answers alike; the proof has one entry, `code`."""

    by: ClassVar[str] = "wechat"

    def __init__(self, url: str, app_id: str, secret: str) -> None:
        self._url = f"{url.rstrip('/')}/sns/oauth2/access_token"
        self._credentials = {"appid": app_id, "secret": secret, "grant_type": "authorization_code"}

    async def vouch(self, asked: Asked) -> Identity:
        answer = await asyncio.to_thread(self._exchange, asked.proof.get("code", ""))
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
