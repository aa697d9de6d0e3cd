"""Commands that end a run from another terminal, and that take runs and facts out of a store, or in from another one."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from selftaught.cli.base import existing, looked_at, saved
from selftaught.cli.completion import run_numbers
from selftaught.cli.declare import command
from selftaught.cli.options import Kept, RunNumber
from selftaught.cli.state import PlainStanding, Standing, standing, whole
from selftaught.cli.terminal import show_rows, tell
from selftaught.errors import InUse, UsageError
from selftaught.views.terminal import write

if TYPE_CHECKING:
    from selftaught.store import Event, Store

_LOOK_S = 0.2
_LONG_S = 30.0


class EndedRun(PlainStanding):
    """A run that was asked to end: `selftaught stop RUN --json`."""

    run: int
    status: str
    """`done`, or why it stopped."""


class Deleted(TypedDict):
    """Runs that are gone: `selftaught delete RUN... --json`."""

    deleted: list[int]
    """Their numbers."""


class PlainPruned(TypedDict):
    """What was removed: `selftaught prune --json`."""

    facts: dict[str, int]
    """By kind, how many."""
    texts: int
    bytes: int
    """By how many the file shrank."""


class PlainMerged(TypedDict):
    """What came in from another store: `selftaught merge STORE --json`."""

    facts: int
    texts: int
    runs: dict[str, int]
    """By the number of a run there, its number here."""


class EventRow(TypedDict):
    """Something that happened in a run: `selftaught events RUN --json` is a list of these, oldest first."""

    at: str
    """When it ended, UTC, to the millisecond."""
    kind: str
    """`phase`, `question`, `scoring` or `improver`."""
    what: str
    data: dict[str, Any]
    """A few figures; `ms`: how long it took."""


@command()
def stop(number: RunNumber, kept: Kept) -> None:
    """End a run that another process works on, as Ctrl-C there would, and wait until it has ended."""
    with existing(kept) as facts:
        record = facts.run(number)
        process = facts.working(number)
        if process is None:
            raise UsageError(f"no process here works on run {number}: {standing(facts, record).said}")
        facts.ask_to_stop(number)
        tell(f"asked process {process} to end run {number}; what is under way ends first")
        ended = _ended(facts, number)
        if kept.json:
            told: EndedRun = {"run": number, "status": facts.run(number).status, **ended.plain()}
            print(json.dumps(told))
        elif ended.state == "done":
            print(f"Run {number} came to its end before it could be stopped.")
        else:
            write(f"Run {number} has ended, {ended.said}; {ended.goes_on}.", end="\n")


def _ended(facts: Store, number: int) -> Standing:
    """How a run stands once nobody works on it any more."""
    began, told = time.monotonic(), False
    while process := facts.working(number):
        if not told and time.monotonic() - began > _LONG_S:
            told = True
            tell(
                f"process {process} has not ended yet: Ctrl-C here stops waiting, `kill {process}` there ends it at once"
            )
        time.sleep(_LOOK_S)
    return standing(facts, facts.run(number))


@command()
def delete(
    numbers: Annotated[
        list[int],
        typer.Argument(metavar="RUN...", help="Numbers of runs, from `selftaught runs`.", autocompletion=run_numbers),
    ],
    kept: Kept,
) -> None:
    """Delete runs, their events and their saved files. Their facts stay until `prune` removes what no run uses."""
    with existing(kept) as facts:
        for number in dict.fromkeys(numbers):
            if facts.working(facts.run(number).id) is not None:
                stopping = whole("stop", number, facts.path)
                raise InUse(f"run {number} is being worked on: `{stopping}` first; nothing was deleted")
        for number in dict.fromkeys(numbers):
            facts.delete(number)
            _remove_saved(saved(facts.path, number))
    if kept.json:
        deleted: Deleted = {"deleted": [*dict.fromkeys(numbers)]}
        print(json.dumps(deleted))
    else:
        print(f"Deleted: {', '.join(f'run {number}' for number in dict.fromkeys(numbers))}.")


def _remove_saved(folder: Path) -> None:
    """Remove what a run was saved as; a folder in which the user keeps other things stays."""
    for name in ("report.json", "improver.py"):
        with suppress(OSError):
            (folder / name).unlink()
    with suppress(OSError):
        folder.rmdir()


@command()
def prune(
    kept: Kept,
    answers: Annotated[
        bool, typer.Option("--answers", help="Remove also answers that no run uses, though they were paid for.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove answers that were paid for without asking.")] = False,
) -> None:
    """Remove what no run uses any more, and give its room back to the disk. Answers stay unless --answers is given."""
    with existing(kept) as facts:
        if answers and not yes:
            _agree(facts)
        gone = facts.prune(answers)
    if kept.json:
        told: PlainPruned = {"facts": dict(gone.facts), "texts": gone.texts, "bytes": gone.bytes}
        print(json.dumps(told))
        return
    what = [f"{count:,} of the kind {kind}" for kind, count in sorted(gone.facts.items())]
    facts_gone = f"facts: {', '.join(what)}" if what else "no facts"
    print(f"Removed {facts_gone}; {gone.texts:,} texts; the file is {gone.bytes / 2**20:,.1f} MiB smaller.")


def _agree(facts: Store) -> None:
    """Ask before answers go that were paid for; exit code 2 where not. UsageError where nobody can be asked."""
    unused = facts.unused()
    if not unused.answers:
        return
    cost = "a price that is not known" if unused.dollars is None else f"${unused.dollars:,.2f}"
    what = f"answers would be gone for good: {unused.answers:,}, paid with {cost}"
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: add --yes to remove them without being asked; nothing was removed")
    tell(what)
    if not typer.confirm("Go on?", err=True):
        raise typer.Exit(2)


@command()
def merge(
    other: Annotated[Path, typer.Argument(metavar="STORE", help="The file of another store; it is not changed.")],
    kept: Kept,
) -> None:
    """Take in the runs and facts of another store; one that is not there yet is made. Its runs get new numbers."""
    with _to_take_in(kept, other) as facts:
        came = facts.merge(other)
    if kept.json:
        runs = {str(old): new for old, new in came.runs.items()}
        told: PlainMerged = {"facts": came.facts, "texts": came.texts, "runs": runs}
        print(json.dumps(told))
        return
    print(f"Took in {came.facts:,} facts and {came.texts:,} texts that were not here.")
    for old, new in came.runs.items():
        print(f"Its run {old} is run {new} here.")


def _to_take_in(kept: Kept, other: Path) -> Store:
    """The store that takes in another: one that is not there is made, once it is sure that the other is a store."""
    from selftaught.store import Store

    if kept.store.exists():
        return existing(kept)
    looked_at(replace(kept, store=other)).close()
    return Store(kept.store)


@command()
def events(number: RunNumber, kept: Kept) -> None:
    """Tell what happened in a run, and when: phases, questions, scorings, improver runs; the newest of them."""
    with looked_at(kept) as facts:
        facts.run(number)
        found = [*facts.events(number)]
    rows = [_event(one) for one in found]
    show_rows(rows if kept.json else [{**row, "data": json.dumps(row["data"])} for row in rows], kept.json)


def _event(one: Event) -> EventRow:
    at = datetime.fromtimestamp(one.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {"at": at, "kind": one.kind, "what": one.what, "data": dict(one.data)}
