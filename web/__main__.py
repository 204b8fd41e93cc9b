"""`python -m web`: the vote intake, on granian; SIGTERM lets every request that is inside finish."""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from runtime.settings import Login, Settings, answering

GRACE_SECONDS = 20
"""How long a process may take over what is inside, longer than the ballot box may."""


def serve(settings: Settings) -> None:
    """Until a signal ends it; raises Unavailable SETTING_MISSING."""
    settings.dsn(Login.WEB), settings.ballot_key_kek()
    host, _, port = settings.web_address.rpartition(":")
    Granian(
        "web.app:create",
        factory=True,
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        loop=Loops.uvloop,
        workers=settings.web_workers,
        backlog=4096,
        # Past what is held inside there must be room to be told so.
        backpressure=settings.web_inside_max * 8,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


def main() -> int:
    """0 after an orderly end, 5 when a setting is missing or wrong."""
    return answering(serve)


if __name__ == "__main__":
    sys.exit(main())
