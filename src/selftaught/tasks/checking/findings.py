"""What was found out about a task."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypedDict


class TaskCheckRow(TypedDict):
    """Something that was looked at in a task: `selftaught tasks --check TASK --json` is a list of these."""

    task: str
    """Its name; empty where it could not be told."""
    look: str
    """What was looked at: `form`, `description`, `draw`, `chance`, `splits`, `data`, `start`, `grade`, `headroom`, `time`."""
    ok: bool
    detail: str
    mend: str
    """What to do; empty when nothing needs doing."""


@dataclass(frozen=True)
class Finding:
    """The same, as a value."""

    task: str
    look: str
    ok: bool
    detail: str
    mend: str = ""

    def plain(self) -> TaskCheckRow:
        return TaskCheckRow(**asdict(self))
