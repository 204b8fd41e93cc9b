"""DATA/stack.json: what a running stack tells the other terminals, and what a crashed one leaves to be cleared."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.processes import ProcessMark

_FILE = "stack.json"


class StackRecord(BaseModel):
    """The supervisor, its children, and the settings that reach its servers (with passwords: mode 0600)."""

    model_config = ConfigDict(frozen=True)

    supervisor: ProcessMark
    children: tuple[ProcessMark, ...] = ()
    settings: dict[str, str] = {}

    @classmethod
    def read(cls, data_dir: Path) -> StackRecord | None:
        """The record in a data folder; none where no stack ran, or where the file was cut short by a crash."""
        try:
            return cls.model_validate_json((data_dir / _FILE).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, data_dir: Path) -> None:
        write_private(data_dir / _FILE, self.model_dump_json(indent=2))

    @staticmethod
    def remove(data_dir: Path) -> None:
        (data_dir / _FILE).unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
