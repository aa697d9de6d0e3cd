"""What the commands about runs share: how a run is begun, carried on and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from selftaught.cli.options import Begun, Carried, Kept, Spending
from selftaught.cli.state import standing, whole
from selftaught.cli.terminal import clean, tell
from selftaught.errors import SelftaughtError, SpendExhausted, UnfitAtFirstLook, UsageError, reading

if TYPE_CHECKING:
    from rich.console import Console

    from selftaught.budget import Allowance
    from selftaught.budget.spend import SpendLimits
    from selftaught.evidence.contest import ContestDocument
    from selftaught.settings import Assignment
    from selftaught.settings.choice import Sent
    from selftaught.store import RunRecord, Store


_NEGLIGIBLE = 1e-6
"""A chance of guessing a seed that is not worth a word."""


def begin(
    facts: Store, asked: Assignment, seed: int | None, spending: Spending, how: Begun, trial: bool = False, **more: str
) -> dict[str, Any]:
    """Begin a run of what is asked and follow it to its end; with a `trial`, its first answers are bought before the rest is
    agreed to.

    Where no `seed` was given and a run with the same settings is not finished, that one goes on: the same command twice
    buys nothing twice.
    """
    from selftaught.runs.carry import begun, circumstances
    from selftaught.runs.going import unfinished

    if seed is not None:
        _warn_of(seed, asked)
    elif (number := unfinished(facts, asked, how.sandbox)) is not None and _goes_on(number):
        return follow(facts, number, how, spending.limits(), sent_by(asked))
    told = circumstances(how.sandbox, spending.limits(), how.concurrency, how.anyway, how.share_cores)
    with begun(facts, asked, {**told, **more}) as number:
        if trial:
            _try_first(facts, number, asked, spending.limits(), how)
        return follow(facts, number, how, sent=sent_by(asked))


def _try_first(facts: Store, number: int, asked: Assignment, limits: SpendLimits, how: Begun) -> None:
    """Buy the first answers of a run, say what all will probably cost, and ask whether to go on. They are the run's own."""
    from selftaught.cli.consent import go_on, probable
    from selftaught.lab.progress import Progress
    from selftaught.runs.carry import carry
    from selftaught.runs.forecast import TRIAL

    few = replace(limits, answers=min(limits.answers or TRIAL, TRIAL))
    try:
        carry(number, facts, Progress(), few, how.concurrency, how.anyway, sent_by(asked), how.share_cores)
    except SpendExhausted:
        probable(facts, asked, facts.text, how, limits)
        go_on(standing(facts, facts.run(number)).goes_on)


def sent_by(asked: Assignment) -> Sent:
    """The headers of the models of what is asked."""
    from selftaught.settings.choice import Sent

    return Sent(asked.model.headers, asked.proposer.headers if asked.proposer else {})


def _goes_on(number: int) -> bool:
    """Whether an unfinished run with the same settings is to go on; asked where somebody can answer."""
    said = f"run {number} with the same settings is not finished"
    if sys.stdin.isatty():
        return typer.confirm(f"selftaught: {said}. Go on with it?", default=True, err=True)
    tell(f"{said}: going on with it (--seed N begins another)")
    return True


def _warn_of(seed: int, asked: Assignment) -> None:
    """Say of a small seed how probably a program finds it by trying, and so could draw the hidden instances itself."""
    from selftaught.plain import GUESSES_PER_S, guessable

    cpu_s = max((one.cpu_s for one in _allowances(asked)), default=0.0)
    chance = guessable(seed, cpu_s)
    if chance > _NEGLIGIBLE:
        tell(
            f"seed {seed} can be guessed: {GUESSES_PER_S:g} guesses per CPU second × {cpu_s:g} s of an improver run ÷ "
            f"{2 ** max(seed.bit_length(), 1):,} seeds of this size = {_percent(chance)} %; without --seed one is drawn"
        )


def _allowances(settings: object) -> Iterator[Allowance]:
    """What improver runs may use: every allowance in a run's settings, at whatever depth."""
    from selftaught.budget import Allowance

    if isinstance(settings, Allowance):
        yield settings
    elif isinstance(settings, tuple):
        for one in cast("tuple[object, ...]", settings):
            yield from _allowances(one)
    elif is_dataclass(settings):
        for one in fields(settings):
            yield from _allowances(getattr(settings, one.name))


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f}" if chance >= 0.01 else f"{100 * chance:.2g}"


def follow(
    facts: Store,
    number: int,
    how: Carried,
    limits: SpendLimits | None = None,
    sent: Sent | None = None,
) -> dict[str, Any]:
    """Carry a run to its end with its progress shown on standard error; show what was reached, whatever ended it."""
    from rich.console import Console

    from selftaught.lab.progress import Progress
    from selftaught.runs.carry import carry, save
    from selftaught.views import live

    console = Console(stderr=True, emoji=False)
    _say(console, banner(facts.run(number), facts.path))
    progress = Progress()
    try:
        with live.displayed(progress, console):
            document = carry(number, facts, progress, limits, how.concurrency, how.anyway, sent, how.share_cores)
    except (SelftaughtError, KeyboardInterrupt) as error:
        if facts.working(number) is not None:  # another process, which goes on with it
            raise
        reached = facts.run(number).document
        if reached and (reached.get("rounds") or reached.get("runs")):
            show_document(number, dict(reached), how.json)
        if isinstance(error, UnfitAtFirstLook):  # going on as it is would come to the same
            raise
        interrupted = isinstance(error, KeyboardInterrupt)
        what = f"The run was {str(error) or 'interrupted'}" if interrupted else "Stopped before the end"
        _say(console, f"{what}; nothing found so far is lost: {standing(facts, facts.run(number)).goes_on}.")
        if interrupted:
            raise typer.Exit(130) from None
        raise
    show_document(number, document, how.json)
    folder = save(document, facts, saved(facts.path, number))
    what = "its report and the improved improver are" if "gain" in document else "its report is"
    _say(console, f"Run {number} is kept in {facts.path}; {what} in {folder}")
    for said in _ended(number, document, facts.path):
        _say(console, said)
    return document


def _ended(number: int, document: Mapping[str, Any], path: Path) -> list[str]:
    """What a run took, and the commands that go on from it."""
    from selftaught.views.running import duration

    usage = document["usage"]
    tokens = usage["tokens_in"] + usage["tokens_out"]
    paid = usage["dollars_spent"]
    money = "at a price that is unknown" if paid is None else f"for ${paid:,.4f}"
    further = [f"`{whole('show', number, path)}` shows it again"]
    if "gain" in document:
        further += [
            f"`{whole('compare', f'run:{number} seed', path)}` compares its improver on other tasks",
            f"`{whole('lineage', number, path)}` tells who made it",
        ]
    took = duration(usage["wall_s"]) if "wall_s" in usage else "an unknown time"
    if "candidates" in document:
        further.append(f"`{whole('candidates', number, path)}` lists what it scored")
    return [
        f"It took {took}, {usage['responses']:,} answers of {tokens:,} tokens, {money}.",
        f"{'; '.join(further)}.",
    ]


def end(document: dict[str, Any]) -> None:
    """End a command whose run is done: with exit code 1 where every improver run of an arm failed."""
    from selftaught.views import view_of

    if failing := view_of(document).failing(document):
        tell(f"every improver run of {', '.join(failing)} failed, as the report says first")
        raise typer.Exit(1)


def _say(console: Console, text: str) -> None:
    console.print(clean(text), soft_wrap=True, highlight=False, markup=False)


def saved(path: Path, number: int) -> Path:
    """The folder beside a store in which the files of a run are."""
    return path.with_suffix(".runs") / str(number)


def show_document(number: int, document: dict[str, Any], as_json: bool) -> None:
    """Show what has come of a run. UsageError, naming it, when its document is damaged."""
    from selftaught.views import sheets, tables

    with reading(f"run {number} cannot be shown: its document is not whole"):
        parts = sheets(document)
        if not as_json:
            tables.show(parts)
    if as_json:
        print(json.dumps(document))


def write(document: dict[str, Any], csv: Path | None, picture: Path | None) -> None:
    """Write a comparison's single runs, its picture or that of an experiment, where the user wants them."""
    from selftaught.views import contest, pictures, view_of

    if csv is not None:
        _write(csv, contest.rows(cast("ContestDocument", document)))
    if picture is not None:
        _write(picture, pictures.intervals(view_of(document).series(document)))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def writable(*paths: Path | None) -> None:
    """Raise UsageError for a file that could not be written after hours of work: its folder is missing."""
    for path in paths:
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(f"cannot write {path}: it must be a file in a folder that exists")


def banner(record: RunRecord, path: Path) -> str:
    """What is said before a run: which models do what, and how generated code is held."""
    from selftaught.runs import assignment
    from selftaught.runs.model import about

    asked = assignment(record)
    proposer = f"{asked.proposer.spec} writes improvers ({about(asked.proposer.spec)}) · " if asked.proposer else ""
    return (
        f"Run {record.id} · {proposer}model {asked.model.spec}: {about(asked.model.spec)}\n"
        f"seed {asked.seed} · {asked.summary} · sandbox {record.circumstances.get('sandbox', 'unknown')} · store {path}"
        + (f"\n{again}" if (again := of_recording(record)) else "")
    )


def of_recording(record: RunRecord) -> str:
    """Of a run from a recording: what was recorded; empty for any other."""
    told = record.circumstances.get("recording")
    return f"from a recording: run {told['run']}, made by {told['by']}; its models are not asked" if told else ""


def made(kept: Kept) -> Store:
    """The store for a run: it is made where none is, also of a file that is empty."""
    from selftaught.store import Store, is_empty

    if is_empty(kept.store):
        tell(f"{kept.store} is an empty file: a store is made of it")
    return Store(kept.store)


def existing(kept: Kept) -> Store:
    """The store that is there, to be worked on."""
    from selftaught.store import Store

    return Store(_found(kept.store))


def looked_at(kept: Kept) -> Store:
    """The store that is there, to be looked at: it may lie where nothing may be written."""
    from selftaught.store import Store

    return Store(_found(kept.store), readonly=True)


def _found(path: Path) -> Path:
    from selftaught.plain import is_file, is_folder
    from selftaught.store import is_empty

    if is_folder(path):
        raise UsageError(f"store {path} is a directory: name a file, e.g. --store {path / 'runs.db'}")
    if not is_file(path):
        raise UsageError(f"there is no store at {path}: `selftaught run` makes one, --store names another")
    if is_empty(path):
        raise UsageError(
            f"{path} is an empty file and no store: `selftaught run` makes one of it, --store names another"
        )
    return path
