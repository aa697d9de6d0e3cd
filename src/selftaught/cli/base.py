"""What the commands share: the app, options that several take, and how a run is carried on and shown."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from selftaught.budget.spend import SpendLimits
from selftaught.errors import SelftaughtError, UsageError

if TYPE_CHECKING:
    from selftaught.budget import Allowance
    from selftaught.evidence.contest import ContestDocument
    from selftaught.program import Program
    from selftaught.runs.estimate import Estimate
    from selftaught.store import RunRecord, Store

T = TypeVar("T")
app = typer.Typer(
    name="selftaught",
    help="STOP, the Self-Taught Optimizer: programs that improve programs, and themselves.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused for safety, 4 budget used up, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

StorePath = Annotated[Path, typer.Option("--store", envvar="SELFTAUGHT_STORE", help="The file that keeps every fact.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, all else on standard error.")]
Level = Annotated[str, typer.Option("--sandbox", help="Sandbox level: strict, confined or external (see `doctor`).")]
MaxDollars = Annotated[float | None, typer.Option(help="Stop before the run has cost more than this.")]
MaxAnswers = Annotated[int | None, typer.Option(help="Stop before the run has bought more answers.")]
MaxBoughtTokens = Annotated[int | None, typer.Option(help="Stop once the run has bought so many tokens, in and out.")]
MaxMinutes = Annotated[float | None, typer.Option(help="Stop after this many minutes of working on the run.")]
MaxCpu = Annotated[float | None, typer.Option("--max-cpu-minutes", help="Stop after this many minutes of CPU time.")]
RoundDollars = Annotated[float | None, typer.Option(help="Stop before one round has cost more than this.")]
RoundMinutes = Annotated[float | None, typer.Option(help="Stop after this many minutes of working on one round.")]
Deadline = Annotated[
    float | None, typer.Option(help="Stop when the model has given no answer for so many seconds.  [default: 600]")
]
Yes = Annotated[bool, typer.Option("--yes", help="Begin what costs money without asking.")]
Model = Annotated[str, typer.Option(help="Who proposes: provider:model, see `selftaught models`.")]
BaseUrl = Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")]
MaxTokens = Annotated[int | None, typer.Option(help="Tokens an answer may have, for models of a server.")]
PriceText = Annotated[
    str | None,
    typer.Option("--price", metavar="IN,OUT", help="Dollars per million tokens, instead of the price list's."),
]
DEFAULT_STORE = Path(".selftaught/store.db")


_LIMITS = {
    "max_dollars": ("dollars", 1),
    "max_answers": ("answers", 1),
    "max_bought_tokens": ("tokens", 1),
    "max_minutes": ("wall_s", 60),
    "max_cpu_minutes": ("cpu_s", 60),
    "round_dollars": ("round_dollars", 1),
    "round_minutes": ("round_wall_s", 60),
    "deadline": ("deadline_s", 1),
}
"""What each option limits, and how many of its units make one of the option's."""


def spend_limits(begun_with: SpendLimits | None = None, **options: float | None) -> SpendLimits:
    """The limits that are given, over those that a run was begun with."""
    changed: dict[str, float] = {}
    for option, value in given(**options).items():
        if not 0 < value < float("inf"):
            raise UsageError(f"--{option.replace('_', '-')} is {value:g}: a limit is above 0")
        name, unit = _LIMITS[option]
        changed[name] = unit * value
    return replace(begun_with or SpendLimits(), **changed)


def price_of(text: str | None) -> tuple[float, float] | None:
    """The two figures of --price."""
    if text is None:
        return None
    try:
        inward, outward = map(float, text.split(","))
    except ValueError:
        inward = outward = -1.0
    if not (0 <= inward < float("inf") and 0 <= outward < float("inf")):
        raise UsageError(f"--price is {text!r}: write dollars per million tokens in and out, e.g. --price 0.15,0.6")
    return inward, outward


def agree(estimate: Estimate, limits: SpendLimits, yes: bool) -> None:
    """Show what a run may cost, and ask before the first one that is not free."""
    if estimate.dollars == 0:
        return
    print(f"selftaught: {estimate}", file=sys.stderr)
    if yes or limits.dollars is not None:
        return
    if not sys.stdin.isatty():
        raise UsageError("this run may cost money: add --max-dollars to bound it, or --yes to go on without asking")
    if not typer.confirm("Go on?", err=True):
        raise typer.Exit(2)


def follow(facts: Store, number: int, as_json: bool, limits: SpendLimits | None = None) -> dict[str, Any]:
    """Carry a run to its end with its progress shown on standard error; show what was reached, whatever ended it."""
    from rich.console import Console

    from selftaught.lab.progress import Progress
    from selftaught.runs.carry import carry, save
    from selftaught.views import live
    from selftaught.views.terminal import clean

    console = Console(stderr=True, emoji=False)
    console.print(clean(banner(facts.run(number), facts.path)), soft_wrap=True, highlight=False, markup=False)
    progress = Progress()
    try:
        with live.shown(progress, console):
            document = carry(number, facts, progress, limits)
    except (SelftaughtError, KeyboardInterrupt) as error:
        reached = facts.run(number).document
        if reached and (reached.get("rounds") or reached.get("runs")):
            show_document(dict(reached), as_json)
        where = "" if facts.path == DEFAULT_STORE else f" --store {facts.path}"
        interrupted = isinstance(error, KeyboardInterrupt)
        what = "The run was interrupted" if interrupted else "Stopped before the end"
        console.print(
            f"{what}; nothing found so far is lost: `selftaught resume {number}{where}` goes on.",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        if interrupted:
            raise typer.Exit(130) from None
        raise
    show_document(document, as_json)
    folder = save(document, facts, facts.path.with_suffix(".runs") / str(number))
    what = "its report and the improved improver are" if "gain" in document else "its report is"
    console.print(
        f"Run {number} is kept in {facts.path}; {what} in {folder}", soft_wrap=True, highlight=False, markup=False
    )
    return document


def show_document(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document))
        return
    from selftaught.views import sheets, terminal

    terminal.show(sheets(document))


def show_program(program: Program, as_json: bool) -> None:
    """A program alone, so that it can be sent to a file: exact there, cleaned on a terminal."""
    from selftaught.views import terminal

    if as_json:
        print(json.dumps({"digest": program.digest, "program": program.text}))
    else:
        terminal.write(program.text)


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
    """What is said before a run: which model does the proposing, and how generated code is held."""
    from selftaught.runs import assignment
    from selftaught.runs.model import about

    asked = assignment(record)
    return (
        f"Run {record.id} · model {asked.model}: {about(asked.model)}\n"
        f"seed {asked.seed} · {asked.summary} · sandbox {record.circumstances['sandbox']} · store {path}"
    )


def given(**options: T | None) -> dict[str, T]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def allowance(
    base: Allowance,
    calls: int | None,
    responses: int | None,
    scorings: int | None,
    tokens: int | None,
    cpu_s: float | None,
) -> Allowance:
    """An allowance with what was given in place of its own."""
    counts: dict[str, Any] = given(calls=calls, responses=responses, scorings=scorings, tokens=tokens)
    return replace(base, **counts, **given(cpu_s=cpu_s))


def show_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows of equal keys, as JSON or as a table."""
    if as_json:
        print(json.dumps(rows))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from selftaught.views.terminal import clean

    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ["nothing here"]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(_word(value))) for value in row.values()))
    Console(emoji=False).print(table)


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def specs(given: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Task specs as given; files are made absolute, so that a run can be resumed from elsewhere."""
    return tuple(str(Path(spec).resolve()) if spec.endswith(".py") else spec for spec in given) if given else default


def model_spec(named: str) -> str:
    """A model's spec; the file of one that is read from a file is made absolute, for the same reason."""
    kind, _, path = named.partition(":")
    return f"{kind}:{Path(path).resolve()}" if kind in {"scripted", "replay"} and path else named


def existing(path: Path) -> Store:
    from selftaught.store import Store

    if not path.exists():
        raise UsageError(f"there is no store at {path}: `selftaught run` makes one, --store names another")
    return Store(path)
