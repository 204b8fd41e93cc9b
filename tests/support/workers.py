"""A worker as a process of its own, led to a test's servers by its environment alone."""

from __future__ import annotations

import os

from pydantic import SecretStr

from runtime.settings import Settings


def worker_environment(settings: Settings) -> dict[str, str]:
    """The environment of a worker under these settings."""
    named = settings.model_dump(exclude_none=True, exclude_defaults=True)
    plain = {
        f"XUANSHU_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in named.items()
    }
    return os.environ | plain
