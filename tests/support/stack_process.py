"""A stack in a process of its own, for tests that kill it: prints `ready`, then waits for its end."""

from __future__ import annotations

import asyncio
import sys

from runtime.settings import Settings
from runtime.stack import embedded_stack


async def main(*, ephemeral: bool) -> None:
    async with embedded_stack(Settings(), ephemeral=ephemeral) as stack:
        sys.stdout.write(f"ready {stack.places.data}\n")
        sys.stdout.flush()
        raise await stack.server_died()


if __name__ == "__main__":
    asyncio.run(main(ephemeral="ephemeral" in sys.argv))
