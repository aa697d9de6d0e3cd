"""What the commands about runs share: how a run is begun, carried on and shown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from selftaught.cli.options import Begun, Carried, Kept, Spending
from selftaught.cli.state import goes_on
from selftaught.cli.terminal import clean, tell
from selftaught.errors import SelftaughtError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from selftaught.budget.spend import SpendLimits
    from selftaught.runs.estimate import Estimate
    from selftaught.settings import Assignment
    from selftaught.store import RunRecord, Store


def agree(estimate: Estimate, limits: SpendLimits, yes: bool) -> None:
    """Show what a run may cost, and ask before the first one that is not free."""
    if estimate.dollars == 0:
        return
    tell(str(estimate))
    if yes or limits.dollars is not None:
        return
    if not sys.stdin.isatty():
        raise UsageError("this run may cost money: add --max-dollars to bound it, or --yes to go on without asking")
    if not typer.confirm("Go on?", err=True):
        raise typer.Exit(2)


def begin(facts: Store, asked: Assignment, spending: Spending, how: Begun, **more: str) -> dict[str, Any]:
    """Begin a run of what is asked and follow it to its end."""
    from selftaught.runs.carry import circumstances

    told = circumstances(how.sandbox, spending.limits(), how.concurrency)
    return follow(facts, facts.start(asked.plain(), {**told, **more}), how)


def follow(facts: Store, number: int, how: Carried, limits: SpendLimits | None = None) -> dict[str, Any]:
    """Carry a run to its end with its progress shown on standard error; show what was reached, whatever ended it."""
    from rich.console import Console

    from selftaught.lab.progress import Progress
    from selftaught.runs.carry import carry, save
    from selftaught.views import live

    console = Console(stderr=True, emoji=False)
    _say(console, banner(facts.run(number), facts.path))
    progress = Progress()
    try:
        with live.shown(progress, console):
            document = carry(number, facts, progress, limits, how.concurrency)
    except (SelftaughtError, KeyboardInterrupt) as error:
        reached = facts.run(number).document
        if reached and (reached.get("rounds") or reached.get("runs")):
            show_document(dict(reached), how.json)
        interrupted = isinstance(error, KeyboardInterrupt)
        what = f"The run was {error or 'interrupted'}" if interrupted else "Stopped before the end"
        _say(console, f"{what}; nothing found so far is lost: {goes_on(number, facts.path)}.")
        if interrupted:
            raise typer.Exit(130) from None
        raise
    show_document(document, how.json)
    folder = save(document, facts, saved(facts.path, number))
    what = "its report and the improved improver are" if "gain" in document else "its report is"
    _say(console, f"Run {number} is kept in {facts.path}; {what} in {folder}")
    return document


def _say(console: Console, text: str) -> None:
    console.print(clean(text), soft_wrap=True, highlight=False, markup=False)


def saved(path: Path, number: int) -> Path:
    """The folder beside a store in which the files of a run are."""
    return path.with_suffix(".runs") / str(number)


def show_document(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document))
        return
    from rich.console import Console

    from selftaught.views import contests, experiments, tables

    views = {"run": tables.run, "compare": contests.contest, "experiment": experiments.experiment}
    console = Console(emoji=False)
    about = (
        f"Run {document['run']} · model {document['model']} · seed {document['seed']} · sandbox {document['sandbox']}"
    )
    console.print(clean(about), highlight=False, markup=False)
    console.print(views[document["settings"].get("kind", "run")](document))


def write(document: dict[str, Any], csv: Path | None, picture: Path | None) -> None:
    """Write a comparison's single runs, its picture or that of an experiment, where the user wants them."""
    from selftaught.views import contests, experiments

    drawn = experiments.picture if "experiment" in document else contests.picture
    for path, text in ((csv, contests.rows), (picture, drawn)):
        if path is not None:
            try:
                path.write_text(text(document), encoding="utf-8")
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}") from error


def writable(*paths: Path | None) -> None:
    """Raise UsageError for a file that could not be written after hours of work: its folder is missing."""
    for path in paths:
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(f"cannot write {path}: it must be a file in a folder that exists")


def banner(record: RunRecord, path: Path) -> str:
    """What is said before a run: which model does the proposing, and how generated code is held."""
    from selftaught.runs import assignment
    from selftaught.runs.model import about

    asked = assignment(record)
    return (
        f"Run {record.id} · model {asked.model}: {about(asked.model)}\n"
        f"seed {asked.seed} · {asked.summary} · sandbox {record.circumstances['sandbox']} · store {path}"
    )


def existing(kept: Kept) -> Store:
    """The store that is there, to be worked on."""
    from selftaught.store import Store

    return Store(_found(kept.store))


def looked_at(kept: Kept) -> Store:
    """The store that is there, to be looked at: it may lie where nothing may be written."""
    from selftaught.store import Store

    return Store(_found(kept.store), readonly=True)


def _found(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"there is no store at {path}: `selftaught run` makes one, --store names another")
    if path.is_dir():
        raise UsageError(f"store {path} is a directory: name a file, e.g. --store {path / 'runs.db'}")
    return path
