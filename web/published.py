"""The published log over HTTP (C2SP tlog-tiles): `python -m web.published` serves the folder XUANSHU_PUBLISH_DIR.

Any other web server may serve the same folder; it is files, and needs neither Postgres nor a key.
"""

from __future__ import annotations

import re
import sys
from http import HTTPStatus
from pathlib import Path

from runtime.settings import Settings, answering
from schemas.errors import Unavailable
from web.serving import Answer, App, serve, text

_TILE = re.compile(r"/tile/([0-9]{1,2}|entries4?)/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?")
_TIMESTAMP = re.compile(
    r"/timestamp/[0-9]{4}-[0-9]{2}-[0-9]{2}/[a-z0-9][a-z0-9.-]*/(checkpoint|token\.tsr)", re.ASCII
)
_FOREVER = (("cache-control", "public, max-age=31536000, immutable"), ("access-control-allow-origin", "*"))
_NOW = (("cache-control", "no-cache"), ("access-control-allow-origin", "*"))


def app(folder: Path) -> App:
    """`/checkpoint`, `/tile/…` and `/timestamp/…` of a folder; nothing else that may lie in it."""

    async def answer(method: str, path: str, body: bytes) -> Answer:  # noqa: ARG001 -- the shape of every service
        if method not in ("GET", "HEAD"):
            return text(HTTPStatus.METHOD_NOT_ALLOWED)
        is_final = (_TILE.fullmatch(path) or _TIMESTAMP.fullmatch(path)) is not None
        try:
            content = (folder / path[1:]).read_bytes() if is_final or path == "/checkpoint" else None
        except OSError:
            content = None
        if content is None:
            return text(HTTPStatus.NOT_FOUND)
        if is_final:
            return Answer(HTTPStatus.OK, content, "application/octet-stream", _FOREVER)
        return Answer(HTTPStatus.OK, content, more=_NOW)

    return App(answer)


def main() -> int:
    """0 after an orderly end, 5 when a setting is missing or wrong."""
    return answering(_serve)


def _serve(settings: Settings) -> None:
    """At the address of the settings until a signal ends it."""
    if settings.publish_dir is None:
        raise Unavailable("SETTING_MISSING", setting="publish_dir", variable="XUANSHU_PUBLISH_DIR")
    serve(app(settings.publish_dir), settings.publish_address)


if __name__ == "__main__":
    sys.exit(main())
