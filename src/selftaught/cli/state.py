"""How a run stands, as seen from any process: at work here, stopped, died, or done; and what, if anything, goes on with it."""

from __future__ import annotations

import os
import platform
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from selftaught.cli.defaults import DEFAULT_STORE, of_file
from selftaught.cli.terminal import line
from selftaught.errors import ANYWAY, UsageError

if TYPE_CHECKING:
    from selftaught.store import RunRecord, Store

State = Literal["done", "running", "elsewhere", "stopped", "died"]
_STILL = {"stopped", "died"}
"""A run that stands so goes on when it is resumed."""


class PlainNow(TypedDict):
    """What a run that has not ended is doing, as it last said itself."""

    doing: str
    best: float | None
    """Best meta-utility seen on train since its process began to work on it."""
    answers: int
    requests: int
    """Requests to the model under way."""
    dollars: float | None
    """What it has cost so far; null: unknown."""
    quiet_s: float
    """Seconds since its last sign of life."""


class PlainStanding(TypedDict):
    """How a run stands, as seen from here."""

    state: State
    """`running`: a process here works on it; `elsewhere`: one on another machine, as far as can be seen; `died`: its process
    ended without a word."""
    process: int | None
    """The process that works on it here; 0: its number is not known."""
    now: PlainNow | None
    """Null where it has ended, or has not said anything yet."""
    resume: str | None
    """The command that goes on with it, from any folder; null where none does. `N` in it: a limit above the one reached."""
    refused: str | None
    """Why a run that has not come to its end cannot be gone on with."""


@dataclass(frozen=True)
class Standing:
    """How a run stands."""

    number: int
    state: State
    said: str
    """That in words, e.g. "running here: process 4711"."""
    resume: str | None
    """The whole command that goes on with it, store included, in the folder of this one; None where none does."""
    anywhere: str | None
    """The same for any folder, which is what programs that read it may be in."""
    refused: str | None
    """Why a run that has not come to its end cannot be gone on with."""
    process: int | None
    """The process that works on it."""
    now: PlainNow | None
    """Of a run that has not ended."""

    @property
    def goes_on(self) -> str:
        """What to do to go on with it, in a sentence, or why nothing does; empty where it is done or at work."""
        if self.refused:
            return f"it cannot be gone on with: {line(self.refused)}"
        return f"`{self.resume}` goes on" if self.resume else ""

    def plain(self) -> PlainStanding:
        return {
            "state": self.state,
            "process": self.process,
            "now": self.now,
            "resume": self.anywhere,
            "refused": self.refused,
        }


def standing(facts: Store, record: RunRecord) -> Standing:
    """How a run stands: by what it has said, and by the lock that its process holds while it lives."""
    from selftaught.runs.going import refusal

    process = facts.working(record.id)
    state, said = _state(record, process)
    now = _now(record) if state in {"running", "elsewhere", "died"} else None
    refused = refusal(record) if state in _STILL else None
    resume = anywhere = None
    if state in _STILL and not refused:
        more = _further(record)
        resume, anywhere = (
            f"selftaught resume {record.id} --store {shlex.quote(str(path))}{more}"
            for path in (facts.path, facts.path.absolute())
        )
    return Standing(record.id, state, said, resume, anywhere, refused, process, now)


def _further(record: RunRecord) -> str:
    """What takes away the reason that ended a run, which would end it again at once: a limit is raised, a first look left out;
    empty where neither was it, or where the limit was one of that session alone and lower than the run's own."""
    from selftaught.budget.spend import reached
    from selftaught.cli.options import RoundSpending
    from selftaught.runs.going import begun_with

    if record.status.endswith(ANYWAY):
        return " --anyway"
    found = reached(record.status)
    if found is None:
        return ""
    field, limit = found
    own = getattr(begun_with(record), field)
    lasts = own is not None and float(f"{own:g}") <= limit
    return f" --{RoundSpending.option_of(field)} N" if lasts else ""


def at_its_end(facts: Store, number: int) -> None:
    """UsageError for a run that has not come to its end, with how it stands and what goes on with it."""
    from selftaught.runs import assignment

    record = facts.run(number)
    assignment(record)  # one of another version is told as such
    stands = standing(facts, record)
    if stands.state != "done":
        parts = [f"run {number} has not come to its end ({stands.said})", *filter(None, [stands.goes_on])]
        raise UsageError(": ".join(parts))


def _state(record: RunRecord, process: int | None) -> tuple[State, str]:
    if process is not None:
        return "running", "running here: process " + (str(process) if process else "unknown")
    if record.status != "running":
        return ("done", "done") if record.status == "done" else ("stopped", line(record.status))
    noted = record.process
    if noted and noted.host != platform.node():
        return "elsewhere", f"running on {line(noted.host)} as process {noted.pid}, as far as can be seen from here"
    return "died", "died: no process works on it any more"


def doing(now: PlainNow, died: bool = False) -> str:
    """What a run is doing, or was when it died, in a line."""
    best = "" if now["best"] is None else f" · best meta-utility so far {now['best']:.3f}"
    money = "price unknown" if now["dollars"] is None else f"${now['dollars']:,.2f}"
    under_way = "" if died else f"{now['requests']} requests under way · "
    return (
        f"{line(now['doing'])}{best} · {now['answers']:,} answers · {under_way}{money} · "
        f"last sign of life {now['quiet_s']:,.0f} s ago"
    )


def _now(record: RunRecord) -> PlainNow | None:
    if not record.pulse or record.moved is None:
        return None
    counts = record.pulse.get("counts", {})
    return {
        "doing": record.pulse.get("phase", ""),
        "best": record.pulse.get("best"),
        "answers": counts.get("answers", 0),
        "requests": counts.get("requests under way", 0),
        "dollars": record.pulse.get("dollars"),
        "quiet_s": max(0.0, (datetime.now(UTC) - datetime.fromisoformat(record.moved)).total_seconds()),
    }


def whole(command: str, number: int | str, path: Path) -> str:
    """A whole command about a run, given by its number or in other words, for the folder that this one is called in. The store
    is left out only where nothing, neither the environment nor a file, could name another."""
    default = path == DEFAULT_STORE and "SELFTAUGHT_STORE" not in os.environ and of_file() is None
    return f"selftaught {command} {number}" + ("" if default else f" --store {shlex.quote(str(path))}")
