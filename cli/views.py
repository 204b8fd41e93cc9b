"""`views rebuild`: the read side emptied and told by the log again."""

from __future__ import annotations

from rich.text import Text

from cli.desk import AtDesk, command
from cli.output import Outcome
from projections.projector import Projector
from runtime.settings import Login


@command(
    "views rebuild",
    zh="重建查询视图：清空后按日志从头重读。日志不变；其间查询只见已重读的部分。重复执行无害。",
    en="Empty the read side and follow the log from its start. The log stays as it is; meanwhile queries show what has "
    "been read so far. Doing it twice is harmless.",
    example="views rebuild",
)
async def rebuild(*, desk: AtDesk) -> Outcome:
    store = await desk.store()
    projector = Projector(store, desk.settings.dsn(Login.APP))
    try:
        await projector.rebuild()
        position = await store.last_position()
        faults = await projector.compare(store)
    finally:
        await projector.close()
    said = {"position": position, "faults": faults}
    shown = desk.say(
        f"视图已按日志重建，至第 {position} 位。", f"The views are rebuilt, to position {position}."
    )
    return Outcome(json=said, shown=Text("\n".join((shown, *faults))))
