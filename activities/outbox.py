"""Messages decided in the log, carried to the workflows they are for: at least once, each under its own id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Decider
from schemas import names
from schemas.commands import ENGINE, Command, ConferTitle
from schemas.errors import EngineError
from schemas.ledger import Post
from schemas.messages import NominationOrder

log = structlog.get_logger()

IN_FLIGHT = 16
IDLE_SECONDS = 0.2


def title_command(post: Post) -> Command:
    """What begins a title, which has no workflow: the message's id is the command's, so that twice is once."""
    return Command(
        id=post.id,
        stream=post.workflow,
        actor=ENGINE,
        received_at=post.payload["at"],
        cause=post.sender,
        body=ConferTitle.model_validate(post.payload["body"]),
    )


class Outbox:
    """Carries what is undelivered; to a round's parent once the round has ended. Workflows that are gone are begun again from the log: `restart` does it for a cycle's."""

    def __init__(
        self, decider: Decider, client: Client, queue: str, restart: Callable[[str], Awaitable[object]]
    ) -> None:
        self._restart = restart
        self._decider = decider
        self._client = client
        self._queue = queue

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; a fault of one round is logged and tried again."""
        while not stop.is_set():
            try:
                carried = await self.step()
            except (RPCError, OSError, EngineError) as fault:
                log.warning("outbox_waits", fault=str(fault))
                carried = 0
            if not carried:
                await asyncio.sleep(IDLE_SECONDS)

    async def step(self) -> int:
        """Deliver one batch, to each workflow in the order in which it was written; how many were delivered."""
        posts = await self._decider.store.undelivered(limit=200)
        places = asyncio.Semaphore(IN_FLIGHT)
        letters: dict[str, list[Post]] = {}
        for post in posts:
            letters.setdefault(post.workflow, []).append(post)

        async def carry(to_one: list[Post]) -> None:
            async with places:
                for post in to_one:
                    await self._deliver(post)

        await asyncio.gather(*map(carry, letters.values()))
        if posts:
            await self._decider.store.mark_delivered([post.id for post in posts])
        return len(posts)

    async def _deliver(self, post: Post) -> None:
        if names.kind_of(post.workflow) == "nomination":
            await self._deliver_to_nomination(post)
            return
        if names.kind_of(post.workflow) == "title":
            await self._decider.execute(title_command(post))
            return
        if await self._signal(post.workflow, post.name):
            return
        above = await self._decider.parent_of(post.workflow)
        if not (above and await self._signal(above, post.name)):
            log.info("outbox_to_the_log_only", workflow=post.workflow, message=post.id)
            await self._restart(post.cycle)

    async def _signal(self, workflow: str, name: str) -> bool:
        """False if no such workflow runs."""
        try:
            await self._client.get_workflow_handle(workflow).signal(name)
        except RPCError as fault:
            if fault.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def _deliver_to_nomination(self, post: Post) -> None:
        cycle = await self._decider.cycles.get(names.cycle_stream(post.cycle))
        assert cycle.state.opened is not None
        await self._client.start_workflow(
            "Nomination",
            NominationOrder(stream=post.workflow, pace=cycle.state.opened.pace),
            id=post.workflow,
            task_queue=self._queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=post.name,
            start_signal_args=[post.payload],
        )
