"""One shape for every log line of every process: `timestamp level event`, then the same keys under the same names.

Lines of the standard library (Temporal's among them) take the same road. For people on a console, for collectors as
JSON; a terminal display keeps the terminal for itself and sends the lines to a file.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio import activity, workflow

from runtime.settings import LogFormat, Settings

KEYS = (
    "timestamp",
    "level",
    "event",
    "stream",
    "command_id",
    "programme",
    "cycle",
    "workflow_type",
    "workflow_id",
    "run_id",
    "activity_type",
    "attempt",
)
"""The order in which a line tells what it knows; other keys follow by name."""

_TEMPORAL_EXTRAS = ("temporal_workflow", "temporal_activity")
_HANDLER = "xuanshu"
_NOISY = ("asyncio", "temporalio.core")


def configure_logging(settings: Settings, *, file: Path | None = None) -> None:
    """Send every line to standard error, or to `file` where a display owns the terminal. May be called again."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler()
    colours = file is None and sys.stderr.isatty()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), without_message, *_common()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering(settings.log_format, colours=colours),
        ],
    )
    handler.setFormatter(formatter)
    _replace_handlers(handler, settings.log_level)
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        flatten_temporal,
        in_order,
    ]


def _rendering(form: LogFormat, *, colours: bool) -> list[Processor]:
    if form is LogFormat.JSON:
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False)]


def without_message(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Any other handler's formatter leaves its sentence on the record, as `message`; ours is `event`."""
    line.pop("message", None)
    return line


def flatten_temporal(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Temporal's loggers bring one dictionary under a key of theirs: its parts become keys of the line."""
    for extra in _TEMPORAL_EXTRAS:
        context = line.pop(extra, None)
        if isinstance(context, dict):
            for name, value in context.items():
                line.setdefault(_our_name(name), value)
    return line


def _our_name(temporal_name: str) -> str:
    return {"workflow_run_id": "run_id"}.get(temporal_name, temporal_name)


def in_order(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """`KEYS` first, then the rest by name."""
    first = {key: line[key] for key in KEYS if key in line}
    return first | {key: line[key] for key in sorted(line.keys() - first.keys())}


def _replace_handlers(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.name == _HANDLER]:
        root.removeHandler(old)
        old.close()
    handler.set_name(_HANDLER)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
