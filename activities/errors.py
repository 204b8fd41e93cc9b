"""The one place that turns our errors into Temporal's, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError

from schemas.errors import BadFile, BadUsage, Conflict, EngineError, Integrity, Refused, Unavailable

OF_OTHER_CODE = ("EVENT_UNKNOWN", "DOCUMENT_UNREADABLE")
FAMILIES: dict[str, type[EngineError]] = {
    family.__name__: family for family in (Refused, BadUsage, BadFile, Conflict, Unavailable, Integrity)
}


@contextmanager
def translated() -> Iterator[None]:
    """Our errors leave as ApplicationError of type `code`. Tried again is what another moment, or a newer worker, may do."""
    try:
        yield
    except EngineError as error:
        raise ApplicationError(
            str(error),
            {"family": type(error).__name__, "facts": error.facts},
            type=error.code,
            non_retryable=not isinstance(error, Unavailable) and error.code not in OF_OTHER_CODE,
            category=ApplicationErrorCategory.BENIGN
            if isinstance(error, Refused)
            else ApplicationErrorCategory.UNSPECIFIED,
        ) from error


def engine_error(failure: BaseException | None) -> EngineError | None:
    """Our error inside a Temporal failure, if one is there."""
    while failure is not None:
        if isinstance(failure, ApplicationError) and failure.details:
            detail = failure.details[0]
            if isinstance(detail, dict) and detail.get("family") in FAMILIES:
                return FAMILIES[detail["family"]](str(failure.type), **detail["facts"])
        failure = failure.cause if isinstance(failure, FailureError) else failure.__cause__
    return None
