"""`make up`: the stack in the foreground with a worker that is started again whenever it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime.settings import Language, Settings
from runtime.stack import Stack, embedded_stack

Say = Callable[[str], None]

_STEADY_SECONDS = 10.0
_PAUSE_MAX_SECONDS = 30.0

_WELCOME = {
    Language.ZH: """
服务已就绪（数据在 {data}）。
  Temporal 界面   {ui}
  Temporal        {temporal}
  PostgreSQL      端口 {port}；连接串与密钥见 {data}/stack.json（仅本用户可读）
  日志            {data}/*.log
警告：保管库使用开发密钥，勿存放真实个人信息。

在另一个终端可以输入：
  .venv/bin/python starter.py doctor
  .venv/bin/python starter.py programme check programmes/sichuan-craftsman/1.yaml
  .venv/bin/python starter.py --help
Ctrl-C 或 `make down` 停止；`make reset` 清除数据。""",
    Language.EN: """
The stack is up (data in {data}).
  Temporal's UI   {ui}
  Temporal        {temporal}
  PostgreSQL      port {port}; DSNs and keys are in {data}/stack.json (for this user alone)
  Logs            {data}/*.log
Warning: the vault uses a development key; keep no real person's data in it.

In another terminal you may type:
  .venv/bin/python starter.py doctor
  .venv/bin/python starter.py programme check programmes/sichuan-craftsman/1.yaml
  .venv/bin/python starter.py --help
Ctrl-C or `make down` stops it; `make reset` deletes the data.""",
}
_RESTARTED = {
    Language.ZH: "工作进程已停止（退出码 {status}），{pause:.0f} 秒后重启；日志见 {log}。",
    Language.EN: "The worker stopped (status {status}) and starts again in {pause:.0f} s; its log is {log}.",
}


async def up(settings: Settings, say: Say) -> None:
    """Run until a signal ends it; raises `Unavailable(SERVER_DIED)` when a server goes."""
    async with embedded_stack(settings, ephemeral=False, ui=True) as stack:
        say(_WELCOME[settings.language].format(**_facts(stack)))
        keeping = asyncio.create_task(keep_worker(stack, say))
        try:
            raise await stack.server_died()
        finally:
            keeping.cancel()


def _facts(stack: Stack) -> dict[str, object]:
    return {
        "data": stack.places.data,
        "ui": stack.temporal.ui_url,
        "temporal": stack.temporal.address,
        "port": stack.postgres.port,
    }


async def keep_worker(stack: Stack, say: Say) -> None:
    """Start a worker, and another one whenever it ends; the pause doubles while none of them lasts."""
    pause = 1.0
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        worker = await stack.start_worker()
        status = await worker.process.wait()
        pause = 1.0 if loop.time() - started > _STEADY_SECONDS else min(pause * 2, _PAUSE_MAX_SECONDS)
        say(
            _RESTARTED[stack.settings.language].format(
                status=status, pause=pause, log=stack.places.log("worker")
            )
        )
        await asyncio.sleep(pause)
