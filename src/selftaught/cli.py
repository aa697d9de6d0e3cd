"""The `selftaught` command. Each command reads its options, calls the library, and shows what came of it.

Exit codes: 0 done · 1 failed (the same command may work later) · 2 wrong usage · 3 refused for safety · 4 budget used up
(what was reached is kept) · 130 interrupted (resumable).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from selftaught.errors import SelftaughtError, UsageError
from selftaught.spend import SpendLimits

if TYPE_CHECKING:
    from selftaught.launch import Estimate
    from selftaught.store import Store

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
MaxMinutes = Annotated[float | None, typer.Option(help="Stop after this many minutes of working on the run.")]
MaxCpu = Annotated[float | None, typer.Option("--max-cpu-minutes", help="Stop after this many minutes of CPU time.")]
DEFAULT_STORE = Path(".selftaught/store.db")


def main() -> None:
    """Entry point of the command: errors we know become one line and their exit code."""
    sys.setswitchinterval(0.0005)  # threads mostly hand small pieces of work to each other
    try:
        app()
    except SelftaughtError as error:
        print(f"selftaught: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("selftaught: interrupted", file=sys.stderr)
        sys.exit(130)


@app.command()
def run(
    model: Annotated[str, typer.Option(help="Who proposes: provider:model, see `selftaught models`.")] = "offline",
    base_url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    tasks: Annotated[
        list[str] | None, typer.Option(help="Task to recurse on; repeat for more.  [default: formula:train]")
    ] = None,
    test_tasks: Annotated[
        list[str] | None,
        typer.Option(help="Task to compare on afterwards; repeat for more.  [default: the --tasks, or formula:test]"),
    ] = None,
    improver: Annotated[str, typer.Option(help="The seed improver: a name from `improvers`, or a file.")] = "seed",
    rounds: Annotated[int, typer.Option(help="Rounds of self-improvement.")] = 3,
    accept: Annotated[
        Literal["gate", "paper"],
        typer.Option(help="gate: keep the incumbent unless the new one is better on validation; paper: never keep it."),
    ] = "gate",
    worker: Annotated[
        Literal["self", "frozen"],
        typer.Option(help="self: the current improver works; frozen: always the seed improver."),
    ] = "self",
    repetitions: Annotated[
        int | None, typer.Option(help="Repetitions of every task in one scoring of an improver.")
    ] = None,
    validation: Annotated[int | None, typer.Option(help="Repetitions of every task at a gate.")] = None,
    test: Annotated[int | None, typer.Option(help="Repetitions of every task in the comparison at the end.")] = None,
    calls: Annotated[int | None, typer.Option(help="Model calls of an improver run on a task.")] = None,
    responses: Annotated[int | None, typer.Option(help="Answers per model call of an improver run on a task.")] = None,
    scorings: Annotated[int | None, typer.Option(help="Scorings of an improver run on a task.")] = None,
    outer_calls: Annotated[int | None, typer.Option(help="Model calls of an improver run on an improver.")] = None,
    outer_responses: Annotated[
        int | None, typer.Option(help="Answers per model call of an improver run on an improver.")
    ] = None,
    outer_scorings: Annotated[int | None, typer.Option(help="Scorings of an improver run on an improver.")] = None,
    seed: Annotated[int, typer.Option(help="Decides instances, targets and chance.")] = 0,
    max_dollars: MaxDollars = None,
    max_minutes: MaxMinutes = None,
    max_cpu_minutes: MaxCpu = None,
    yes: Annotated[bool, typer.Option("--yes", help="Begin a run that costs money without asking.")] = False,
    sandbox: Level = "strict",
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Improve an improver, round after round, then compare it with its controls on a test split."""
    from dataclasses import replace

    from selftaught.improvers import load
    from selftaught.settings import Settings
    from selftaught.store import Store

    def given(**options: int | None) -> dict[str, int]:
        return {name: value for name, value in options.items() if value is not None}

    program = load(improver)
    with Store(store) as facts:
        base = Settings(improver=facts.keep(program.text))
        settings = replace(
            base,
            model=model,
            base_url=base_url,
            tasks=_specs(tasks, base.tasks),
            test_tasks=_specs(test_tasks, _specs(tasks, base.test_tasks)),
            seed=seed,
            rounds=rounds,
            accept=accept,
            worker=worker,
            inner=replace(base.inner, **given(calls=calls, responses=responses, scorings=scorings)),
            outer=replace(base.outer, **given(calls=outer_calls, responses=outer_responses, scorings=outer_scorings)),
            **given(repetitions=repetitions, validation=validation, test=test),
        )
        from selftaught import launch

        limits = _limits(max_dollars, max_minutes, max_cpu_minutes)
        _agree(launch.estimate(settings), limits, yes)
        _carry(facts, facts.start(settings.plain(), launch.circumstances(sandbox, limits)), as_json)


@app.command()
def resume(
    number: Annotated[int, typer.Argument(metavar="RUN")],
    max_dollars: MaxDollars = None,
    max_minutes: MaxMinutes = None,
    max_cpu_minutes: MaxCpu = None,
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped; nothing it has paid for is paid for again."""
    limits = _limits(max_dollars, max_minutes, max_cpu_minutes)
    with _existing(store) as facts:
        _carry(facts, number, as_json, limits if limits != _limits(None, None, None) else None)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="RUN")],
    program: Annotated[bool, typer.Option("--improver", help="Print the improved improver's program instead.")] = False,
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Look at a run."""
    with _existing(store) as facts:
        record = facts.run(number)
        if record.report is None:
            raise UsageError(
                f"run {number} has no report yet ({record.status}): `selftaught resume {number}` carries it to its end"
            )
        if program:
            print(facts.text(record.report["arms"]["improved"]["improver"]), end="")
        else:
            _print(dict(record.report), as_json)


@app.command()
def runs(store: StorePath = DEFAULT_STORE, as_json: Json = False) -> None:
    """List the runs of a store."""
    with _existing(store) as facts:
        found = facts.runs()
    rows: list[dict[str, Any]] = [
        {
            "run": r.id,
            "started": r.started,
            "status": r.status,
            "model": r.settings["model"],
            "seed": r.settings["seed"],
        }
        for r in found
    ]
    _list(rows, as_json)


@app.command("exec")
def execute(
    program: Annotated[Path, typer.Argument(help="A Python file; - reads standard input.", allow_dash=True)],
    entry: Annotated[str, typer.Option(help="The function to call.")],
    args: Annotated[str, typer.Option(help="Its arguments: a JSON list.")] = "[]",
    cpu_s: Annotated[float, typer.Option(help="CPU seconds it may use.")] = 10.0,
    memory_mb: Annotated[int, typer.Option(help="Address space in MiB it may use.")] = 1024,
    seed: Annotated[int, typer.Option(help="Seed of its generators of random numbers.")] = 0,
    sandbox: Level = "strict",
    as_json: Json = False,
) -> None:
    """Run one untrusted program in the sandbox and print its outcome. Exit code 0 when it answered, 1 otherwise."""
    from selftaught.sandbox import Job, Limits, open_sandbox

    text, values = _text(program), _arguments(args)
    with open_sandbox(sandbox, slots=1) as box:
        limits = Limits(cpu_s=cpu_s, memory_mb=memory_mb)
        outcome = box.run(Job(text, entry, (tuple(values),), (seed,), limits))[0]
        level = box.level
    if as_json:
        document = {
            "outcome": outcome.kind,
            "answer": outcome.answer,
            "error": outcome.error,
            "output": outcome.output,
            "cpu_s": outcome.cpu_s,
            "wall_s": outcome.wall_s,
            "peak_mb": outcome.peak_mb,
            "sandbox": level,
        }
        print(json.dumps(document))
    else:
        print(outcome.output, end="")
        print(json.dumps(outcome.answer) if outcome.kind == "answer" else f"{outcome.kind}: {outcome.error}")
        print(
            f"[{outcome.cpu_s:.3f} s CPU, {outcome.wall_s:.3f} s, {outcome.peak_mb:.0f} MiB, sandbox {level}]",
            file=sys.stderr,
        )
    raise typer.Exit(0 if outcome.kind == "answer" else 1)


@app.command("tasks")
def list_tasks(
    spec: Annotated[str | None, typer.Argument(help="Show these tasks whole: a name, a family or a file.")] = None,
    seed: Annotated[int, typer.Option(help="Decides the targets of families.")] = 0,
    as_json: Json = False,
) -> None:
    """List the built-in tasks, or show some whole: what the model is told, and the start solution."""
    from selftaught.tasks import load, names

    if spec is not None:
        found = [
            {"task": one.name, "about": one.summary, "description": one.description, "start": one.start}
            for one in load(spec, seed)
        ]
        if as_json:
            _list(found, as_json)
            return
        for one in found:
            print(f"{one['task']}: {one['about']}\n\n{one['description']}\n\n{one['start']}")
        return
    _list([{"task": name, "about": summary} for name, summary in names().items()], as_json)


@app.command("models")
def list_models(as_json: Json = False) -> None:
    """List the models and what each needs."""
    from dataclasses import asdict

    from selftaught.models.providers import catalogue

    _list([asdict(one) for one in catalogue()], as_json)


@app.command("improvers")
def list_improvers(
    name: Annotated[str | None, typer.Argument(help="Print this improver's program.")] = None, as_json: Json = False
) -> None:
    """List the improvers in the box, or print one."""
    from selftaught.improvers import load, names

    if name is not None:
        print(load(name).text, end="")
        return
    _list([{"improver": one, "about": _docstring(load(one).text)} for one in names()], as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what this machine can do, and how to mend what it cannot. Exit code 3 when generated code cannot be held."""
    from dataclasses import asdict

    from selftaught.sandbox.doctor import diagnose

    checks = diagnose()
    _list([asdict(check) for check in checks], as_json)
    raise typer.Exit(0 if all(check.ok for check in checks) else 3)


def _limits(dollars: float | None, minutes: float | None, cpu_minutes: float | None) -> SpendLimits:
    for name, value in (("dollars", dollars), ("minutes", minutes), ("cpu-minutes", cpu_minutes)):
        if value is not None and value <= 0:
            raise UsageError(f"--max-{name} is {value:g}: a limit is above 0")
    seconds = [None if value is None else 60 * value for value in (minutes, cpu_minutes)]
    return SpendLimits(dollars, seconds[0], seconds[1])


def _agree(estimate: Estimate, limits: SpendLimits, yes: bool) -> None:
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


def _carry(facts: Store, number: int, as_json: bool, limits: SpendLimits | None = None) -> None:
    """Carry a run to its end with its progress shown on standard error; show what was reached, whatever ended it."""
    from rich.console import Console

    from selftaught import launch
    from selftaught.progress import Progress
    from selftaught.views import live

    console = Console(stderr=True)
    console.print(launch.banner(facts.run(number), facts.path), soft_wrap=True, highlight=False)
    progress = Progress()
    try:
        with live.shown(progress, console):
            document = launch.carry(number, facts, progress, limits)
    except (SelftaughtError, KeyboardInterrupt) as error:
        reached = facts.run(number).report
        if reached and reached["rounds"]:
            _print(dict(reached), as_json)
        where = "" if facts.path == DEFAULT_STORE else f" --store {facts.path}"
        console.print(
            f"Stopped before the end; nothing found so far is lost: `selftaught resume {number}{where}` goes on.",
            soft_wrap=True,
            highlight=False,
        )
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(130) from None
        raise
    folder = launch.save(document, facts, facts.path.parent / "runs" / str(number))
    _print(document, as_json)
    said = f"Run {number} is kept in {facts.path}; its report and the improved improver are in {folder}"
    console.print(said, soft_wrap=True, highlight=False)


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document))
        return
    from rich.console import Console

    from selftaught.views import tables

    tables.show(document, Console())


def _list(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows of equal keys, as JSON or as a table."""
    if as_json:
        print(json.dumps(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ["nothing here"]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_word(value) for value in row.values()))
    Console().print(table)


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _specs(given: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Task specs as given; files are made absolute, so that a run can be resumed from elsewhere."""
    return tuple(str(Path(spec).resolve()) if spec.endswith(".py") else spec for spec in given) if given else default


def _existing(path: Path) -> Store:
    from selftaught.store import Store

    if not path.exists():
        raise UsageError(f"there is no store at {path}: `selftaught run` makes one, --store names another")
    return Store(path)


def _text(program: Path) -> str:
    try:
        return sys.stdin.read() if str(program) == "-" else program.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {program}: {error}") from error


def _arguments(text: str) -> list[Any]:
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--args is not JSON: {error}") from error
    if not isinstance(values, list):
        raise UsageError('--args is not a JSON list: write the arguments in brackets, e.g. --args "[3]"')
    return [*cast(list[Any], values)]


def _docstring(text: str) -> str:
    """The first line of what a program says of itself."""
    import ast

    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == "improve_algorithm":
            return (ast.get_docstring(node) or "").split("\n")[0]
    return ""
