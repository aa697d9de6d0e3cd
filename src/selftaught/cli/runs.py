"""Commands about runs: begin one, go on with one, look."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from selftaught.budget.spend import SpendLimits
from selftaught.cli.base import (
    DEFAULT_STORE,
    BaseUrl,
    Deadline,
    Json,
    Level,
    MaxAnswers,
    MaxBoughtTokens,
    MaxCpu,
    MaxDollars,
    MaxMinutes,
    MaxTokens,
    Model,
    PriceText,
    RoundDollars,
    RoundMinutes,
    StorePath,
    Yes,
    agree,
    allowance,
    app,
    existing,
    follow,
    given,
    model_spec,
    price_of,
    show_document,
    show_program,
    show_rows,
    specs,
    spend_limits,
)
from selftaught.errors import UsageError
from selftaught.program import Program

if TYPE_CHECKING:
    from selftaught.lab.progress import Pulse
    from selftaught.store import RunRecord


@app.command()
def run(
    model: Model = "offline",
    base_url: BaseUrl = None,
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
        typer.Option(
            help="gate: keep the incumbent unless the new one is better on validation; paper: take every new one that does "
            "not fail in all of its validation runs."
        ),
    ] = "gate",
    worker: Annotated[
        Literal["self", "frozen"],
        typer.Option(help="self: the current improver works; frozen: always the seed improver."),
    ] = "self",
    controls: Annotated[
        Literal["all", "basic"],
        typer.Option(help="basic: seed improver and best-of-n; all: also frozen worker, sham, what it cost to find."),
    ] = "all",
    repetitions: Annotated[
        int | None, typer.Option(help="Repetitions of every task in one scoring of an improver.")
    ] = None,
    validation: Annotated[int | None, typer.Option(help="Repetitions of every task at a gate.")] = None,
    test: Annotated[int | None, typer.Option(help="Repetitions of every task in the comparison at the end.")] = None,
    calls: Annotated[int | None, typer.Option(help="Model calls of an improver run on a task.")] = None,
    responses: Annotated[int | None, typer.Option(help="Answers per model call of an improver run on a task.")] = None,
    scorings: Annotated[int | None, typer.Option(help="Scorings of an improver run on a task.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens, in and out, of an improver run on a task.")] = None,
    cpu_s: Annotated[
        float | None, typer.Option(help="CPU seconds of the own code of an improver run on a task.")
    ] = None,
    outer_calls: Annotated[int | None, typer.Option(help="Model calls of an improver run on an improver.")] = None,
    outer_responses: Annotated[
        int | None, typer.Option(help="Answers per model call of an improver run on an improver.")
    ] = None,
    outer_scorings: Annotated[int | None, typer.Option(help="Scorings of an improver run on an improver.")] = None,
    outer_tokens: Annotated[
        int | None, typer.Option(help="Tokens, in and out, of an improver run on an improver.")
    ] = None,
    outer_cpu_s: Annotated[
        float | None, typer.Option(help="CPU seconds of the own code of an improver run on an improver.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides instances, targets and chance.")] = 0,
    max_tokens: MaxTokens = None,
    price: PriceText = None,
    deadline: Deadline = None,
    max_dollars: MaxDollars = None,
    max_answers: MaxAnswers = None,
    max_bought_tokens: MaxBoughtTokens = None,
    max_minutes: MaxMinutes = None,
    max_cpu_minutes: MaxCpu = None,
    round_dollars: RoundDollars = None,
    round_minutes: RoundMinutes = None,
    yes: Yes = False,
    sandbox: Level = "strict",
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Improve an improver, round after round, then compare it with its controls on a test split."""
    from dataclasses import replace

    from selftaught.improvers import load
    from selftaught.settings import Settings
    from selftaught.store import Store

    program = load(improver)
    with Store(store) as facts:
        base = Settings(improver=facts.keep(program.text))
        settings = replace(
            base,
            model=model_spec(model),
            base_url=base_url,
            max_tokens=max_tokens,
            price=price_of(price),
            tasks=specs(tasks, base.tasks),
            test_tasks=specs(test_tasks, specs(tasks, base.test_tasks)),
            seed=seed,
            rounds=rounds,
            accept=accept,
            worker=worker,
            controls=controls,
            inner=allowance(base.inner, calls, responses, scorings, tokens, cpu_s),
            outer=allowance(base.outer, outer_calls, outer_responses, outer_scorings, outer_tokens, outer_cpu_s),
            **given(repetitions=repetitions, validation=validation, test=test),
        )
        from selftaught.runs.carry import circumstances
        from selftaught.runs.estimate import estimate

        limits = spend_limits(
            max_dollars=max_dollars,
            max_answers=max_answers,
            max_bought_tokens=max_bought_tokens,
            max_minutes=max_minutes,
            max_cpu_minutes=max_cpu_minutes,
            round_dollars=round_dollars,
            round_minutes=round_minutes,
            deadline=deadline,
        )
        agree(estimate(settings), limits, yes)
        follow(facts, facts.start(settings.plain(), circumstances(sandbox, limits)), as_json)


@app.command()
def resume(
    number: Annotated[int, typer.Argument(metavar="RUN")],
    deadline: Deadline = None,
    max_dollars: MaxDollars = None,
    max_answers: MaxAnswers = None,
    max_bought_tokens: MaxBoughtTokens = None,
    max_minutes: MaxMinutes = None,
    max_cpu_minutes: MaxCpu = None,
    round_dollars: RoundDollars = None,
    round_minutes: RoundMinutes = None,
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped; nothing it has paid for is paid for again."""
    with existing(store) as facts:
        begun_with = SpendLimits(**facts.run(number).circumstances["limits"])
        limits = spend_limits(
            begun_with,
            max_dollars=max_dollars,
            max_answers=max_answers,
            max_bought_tokens=max_bought_tokens,
            max_minutes=max_minutes,
            max_cpu_minutes=max_cpu_minutes,
            round_dollars=round_dollars,
            round_minutes=round_minutes,
            deadline=deadline,
        )
        follow(facts, number, as_json, limits)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="RUN")],
    program: Annotated[bool, typer.Option("--improver", help="Print the improved improver's program instead.")] = False,
    recursion: Annotated[
        str, typer.Option("--of", metavar="ARM/SEED", help="With --improver: which recursion of an experiment.")
    ] = "",
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Look at a run."""
    from selftaught.runs import kind_of

    with existing(store) as facts:
        record = facts.run(number)
        if recursion and not program:
            raise UsageError("--of chooses whose program --improver prints: add --improver")
        if record.document is None:
            raise UsageError(
                f"run {number} has no report yet ({record.status}): `selftaught resume {number}` carries it to its end"
            )
        if program:
            show_program(Program(facts.text(kind_of(record.settings).made(record, recursion))), as_json)
        elif as_json or record.status != "running":
            show_document(dict(record.document), as_json)
        else:
            _show_running(record)


def _show_running(record: RunRecord) -> None:
    """What a run is doing, by its last sign of life, and what it has come to so far."""
    from selftaught.views import about, running, terminal

    document, moved = dict(record.document or {}), datetime.fromisoformat(record.moved or record.started)
    quiet_s = (datetime.now(UTC) - moved).total_seconds()
    terminal.show([about(document), *running.sheets(document, cast("Pulse | None", record.pulse), quiet_s)])


@app.command()
def lineage(
    number: Annotated[int, typer.Argument(metavar="RUN")], store: StorePath = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Tell which improver made which: all that was proposed, with scores, ideas, changes and strategies."""
    from selftaught.evidence.lineage import lineage as trace
    from selftaught.views import lineage as view
    from selftaught.views import terminal

    with existing(store) as facts:
        found = trace(facts, number)
    if as_json:
        print(json.dumps(found))
    else:
        terminal.show(view.sheets(found))


@app.command()
def runs(store: StorePath = DEFAULT_STORE, as_json: Json = False) -> None:
    """List the runs of a store."""
    from selftaught.runs import assignment

    with existing(store) as facts:
        found = facts.runs()
    rows: list[dict[str, Any]] = [
        {
            "run": r.id,
            "started": r.started,
            "status": r.status,
            "model": r.settings["model"],
            "seed": r.settings["seed"],
            "about": assignment(r).summary,
        }
        for r in found
    ]
    show_rows(rows, as_json)
