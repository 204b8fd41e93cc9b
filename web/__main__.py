"""`python -m web`: the vote intake, on granian; SIGTERM lets every request that is inside finish."""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_address

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from runtime.settings import Login, Settings, answering
from schemas.errors import Unavailable

GRACE_SECONDS = 20
"""How long a process may take over what is inside, longer than the ballot box may."""


def serve(settings: Settings) -> None:
    """Until a signal ends it; raises Unavailable SETTING_MISSING, SETTING_WRONG or ADDRESS_UNUSABLE."""
    settings.dsn(Login.WEB), settings.ballot_key_kek()
    host, port = _listening_at(settings.web_address)
    Granian(
        "web.app:create",
        factory=True,
        address=host,
        port=port,
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


def _listening_at(address: str) -> tuple[str, int]:
    """Host and port, tried: granian says of an address that it cannot have only where in its own code it noticed."""
    host, _, port = address.rpartition(":")
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family) as probe:
            # As granian's: one port may have several.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            probe.bind((host, int(port)))
    except (ValueError, OverflowError) as fault:
        raise Unavailable("SETTING_WRONG", fault=f"XUANSHU_WEB_ADDRESS: {fault}") from None
    except OSError as fault:
        raise Unavailable("ADDRESS_UNUSABLE", address=address, fault=fault) from None
    return host, int(port)


def main() -> int:
    """0 after an orderly end, 5 when a setting is missing or wrong, or its address cannot be had."""
    return answering(serve)


if __name__ == "__main__":
    sys.exit(main())
