"""The one way to Temporal: by profile and environment (local, TLS, Cloud), patient at the start, with our converter."""

from __future__ import annotations

import asyncio
import logging
from functools import cache

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode

from runtime.payloads import PLAIN, data_converter
from runtime.settings import Settings
from schemas.errors import Unavailable

PROGRAMME = SearchAttributeKey.for_keyword("Programme")
CYCLE = SearchAttributeKey.for_keyword("Cycle")
UNIT_CODE = SearchAttributeKey.for_keyword("UnitCode")
AWARD_LEVEL = SearchAttributeKey.for_keyword("AwardLevel")  # a plain `Level` is an SQL keyword and is refused
SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[str], ...] = (PROGRAMME, CYCLE, UNIT_CODE, AWARD_LEVEL)

_RETRY_SECONDS = 0.2


async def connect(settings: Settings, *, patience_seconds: float = 30) -> Client:
    """A client of a namespace that answers; `Unavailable(TEMPORAL_UNAVAILABLE)` when none does in time."""
    runtime = temporal_runtime(settings.metrics_address)
    converter = data_converter(settings.payload_key_ring())
    return await connect_to(
        connect_config(settings), runtime, patience_seconds=patience_seconds, converter=converter
    )


async def connect_to(
    target: ClientConnectConfig,
    runtime: Runtime,
    *,
    patience_seconds: float,
    converter: DataConverter = PLAIN,
) -> Client:
    """As `connect`, to a given place.

    An open port is not yet a healthy server, nor is a healthy server's new namespace there at once: both are awaited.
    """
    fault = ""
    try:
        async with asyncio.timeout(patience_seconds):
            while True:
                try:
                    return await _healthy_client(target, runtime, converter)
                except (
                    RPCError,
                    RuntimeError,
                ) as refused:  # the core reports a refused connection as RuntimeError
                    fault = str(refused)
                await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise Unavailable(
            "TEMPORAL_UNAVAILABLE", address=target.get("target_host", "?"), fault=fault
        ) from None


def connect_config(settings: Settings) -> ClientConnectConfig:
    """Where to connect: a named profile, else the plain address of a setting or a running stack, else `default`."""
    if settings.temporal_address and not settings.temporal_profile:
        return ClientConnectConfig(
            target_host=settings.temporal_address, namespace=settings.temporal_namespace
        )
    profile, file = settings.temporal_profile, settings.temporal_config_file
    try:
        return ClientConfig.load_client_connect_config(
            profile=profile, config_file=str(file) if file else None
        )
    except (OSError, RuntimeError, ValueError) as fault:  # no such profile, no such certificate, no TOML
        address = profile or "default"
        raise Unavailable("TEMPORAL_UNAVAILABLE", address=address, fault=fault) from fault


async def _healthy_client(target: ClientConnectConfig, runtime: Runtime, converter: DataConverter) -> Client:
    client = await Client.connect(**target, data_converter=converter, runtime=runtime)
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return client


@cache
def temporal_runtime(metrics_address: str | None = None) -> Runtime:
    """The process's one core runtime; its own log lines go through Python's logging, not to the terminal."""
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"), forwarding=forwarding
            ),
            metrics=PrometheusConfig(bind_address=metrics_address) if metrics_address else None,
        )
    )


async def worker_there(client: Client, queue: str, *, patience_seconds: float = 60) -> None:
    """Returns once a worker polls the queue; TimeoutError if none does in time, Unavailable where Temporal is away."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(patience_seconds):
        try:
            while not (await client.workflow_service.describe_task_queue(request)).pollers:  # noqa: ASYNC110 -- of a server
                await asyncio.sleep(_RETRY_SECONDS)
        except RPCError as fault:
            raise Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault) from fault


async def register_search_attributes(client: Client) -> None:
    """Register what is missing in the client's namespace; the dev server gets them as flags instead.

    Temporal Cloud refuses this call (`PERMISSION_DENIED`): there they are made in its console.
    """
    for key in SEARCH_ATTRIBUTES:
        wanted = {key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD}
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=wanted)
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as refused:
            if refused.status != RPCStatusCode.ALREADY_EXISTS:
                raise
