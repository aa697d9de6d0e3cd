"""Events of a run: when what happened. Pictures are drawn from them; they decide nothing, and losing some is no error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selftaught.plain import JSON
from selftaught.store.file import File
from selftaught.store.packing import ascii_json, mapping

KEPT = 200_000
"""So many events are kept of a run, the newest."""
_BLOCK = 10_000
"""The oldest are removed each time that so many have been added."""
_PAGE = 2_000
_WHAT_LENGTH = 200
_DATA_BYTES = 500


@dataclass(frozen=True)
class Event:
    """Something that happened in a run."""

    id: int
    """Grows from event to event."""
    at_ms: int
    """Milliseconds since 1970, UTC."""
    kind: str
    what: str
    data: Mapping[str, Any]


class Events(File):
    """The part of a store that keeps events."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        super().__init__(path, readonly)
        self._added = Counter[int]()

    def note_events(self, run: int, rows: Iterable[tuple[int, str, str, Mapping[str, JSON]]]) -> None:
        """Add events: (milliseconds since 1970, kind, what, data). Long words are cut, data of over 500 bytes is left out."""
        written = [(run, at, kind, _short(what), _small(data)) for at, kind, what, data in rows]
        query = "INSERT INTO events (run, at_ms, kind, what, data) VALUES (?, ?, ?, ?, ?)"
        with self._writing() as db:
            db.executemany(query, written)
            first = run not in self._added
            self._added[run] += len(written)
            if first or self._added[run] >= _BLOCK:
                self._added[run] = 0
                oldest = "SELECT id FROM events WHERE run = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
                db.execute(f"DELETE FROM events WHERE run = ? AND id <= ({oldest})", (run, run, KEPT))

    def events(self, run: int, since_id: int = 0) -> Iterator[Event]:
        """The events of a run after the one named, oldest first."""
        query = (
            "SELECT id, at_ms, kind, what, data FROM events INDEXED BY events_of_runs "
            "WHERE run = ? AND id > max(?, ?) ORDER BY id LIMIT ?"
        )
        for number, at_ms, kind, what, data in self._paged(query, _PAGE, run, since_id):
            yield Event(number, at_ms, kind, what, mapping(data))


def _short(what: str) -> str:
    return what[:_WHAT_LENGTH].encode("utf-8", "replace").decode()


def _small(data: Mapping[str, JSON]) -> str:
    text = ascii_json(data)
    return text if len(text) <= _DATA_BYTES else "{}"
