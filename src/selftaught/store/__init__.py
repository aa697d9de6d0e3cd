"""The run store: one SQLite file, one door.

A run is a list of facts. Every step that costs anything goes through `once`: the fact is found, or it is computed and
kept. So resuming a run is the same call again, and there is no second code path.

A fact is in SQLite's write-ahead log, with the texts it refers to, before `once` returns it: a killed process loses
nothing it has seen. Threads that write at the same time share one transaction. The log is not flushed to the platter at
each commit (`synchronous=NORMAL`), so a *power loss* may cost the last moments before it, whole transactions at a time;
it cannot corrupt the file. The log needs a local disk, not a network file system.

Beside its facts a run has one document of what has come of it so far, a last snapshot of what it is doing, and events.
`sqlite3` shows all of it; `schema` says how, `packing` how rows are written.
"""

from selftaught.store.events import Event
from selftaught.store.facts import key_of
from selftaught.store.opening import is_empty
from selftaught.store.runs import UNBEGUN, Process, RunRecord
from selftaught.store.schema import APPLICATION_ID, MIGRATIONS
from selftaught.store.upkeep import Merged, Pruned, Unused, Upkeep

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "UNBEGUN",
    "Event",
    "Merged",
    "Process",
    "Pruned",
    "RunRecord",
    "Store",
    "Unused",
    "is_empty",
    "key_of",
]


class Store(Upkeep):
    """Facts, texts and runs in one file. Safe to use from many threads; several processes may share the file."""
