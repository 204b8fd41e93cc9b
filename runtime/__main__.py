"""`python -m runtime up | down | reset | migrate`: what the Makefile and the migration job call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from runtime.migration import migrate
from runtime.settings import Language, Settings, answering
from runtime.stack import down, reset
from runtime.supervisor import up

_DOWN = {
    Language.ZH: ("已停止。", "没有正在运行的服务；残留已清理。"),
    Language.EN: ("Stopped.", "Nothing was running; what was left is cleared."),
}
_RESET = {Language.ZH: "数据已清除。", Language.EN: "The data is deleted."}
_MIGRATED = {Language.ZH: "数据库已更新。", Language.EN: "The database is up to date."}


def say(text: str) -> None:
    print(text, flush=True)


def _up(settings: Settings) -> None:
    asyncio.run(up(settings, say))


def _down(settings: Settings) -> None:
    stopped, nothing = _DOWN[settings.language]
    say(stopped if down(settings) else nothing)


def _reset(settings: Settings) -> None:
    reset(settings)
    say(_RESET[settings.language])


def _migrate(settings: Settings) -> None:
    migrate(settings)
    say(_MIGRATED[settings.language])


_ACTS: dict[str, Callable[[Settings], None]] = {
    "up": _up,
    "down": _down,
    "reset": _reset,
    "migrate": _migrate,
}


def main(words: list[str]) -> int:
    """Do one act; 0 ok, 2 usage, else the error's own exit code; a signal is an orderly end."""
    if len(words) != 1 or words[0] not in _ACTS:
        print(f"python -m runtime {' | '.join(_ACTS)}", file=sys.stderr)
        return 2
    try:
        return answering(_ACTS[words[0]])
    except (KeyboardInterrupt, SystemExit):  # Ctrl-C, or `make down` from another terminal
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
