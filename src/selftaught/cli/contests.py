"""Improvers against improvers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

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
    StorePath,
    Yes,
    agree,
    allowance,
    app,
    follow,
    given,
    model_spec,
    price_of,
    specs,
    spend_limits,
    writable,
    write,
)
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.settings import Entrant
    from selftaught.store import Store


@app.command()
def compare(
    improvers: Annotated[
        list[str],
        typer.Argument(
            metavar="IMPROVER...",
            help="Names from `improvers`, files, or run:N, what run N ended with (run:N/ARM/SEED: a recursion of an "
            "experiment). The first is the reference.",
        ),
    ],
    tasks: Annotated[
        list[str] | None, typer.Option(help="Task to compare on; repeat for more.  [default: formula:test]")
    ] = None,
    repetitions: Annotated[int | None, typer.Option(help="Repetitions of every task.  [default: 10]")] = None,
    until: Annotated[
        Literal["decided"] | None, typer.Option(help="decided: add repetitions until every verdict is firm.")
    ] = None,
    max_repetitions: Annotated[
        int | None, typer.Option(help="With --until decided: give up after as many.  [default: 100]")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Differences up to this size count as equivalent (0: start, 1: best).")
    ] = None,
    model: Model = "offline",
    base_url: BaseUrl = None,
    calls: Annotated[int | None, typer.Option(help="Model calls of an improver run.")] = None,
    responses: Annotated[int | None, typer.Option(help="Answers per model call.")] = None,
    scorings: Annotated[int | None, typer.Option(help="Scorings of an improver run.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens, in and out, of an improver run.")] = None,
    cpu_s: Annotated[float | None, typer.Option(help="CPU seconds of the own code of an improver run.")] = None,
    max_tokens: MaxTokens = None,
    price: PriceText = None,
    deadline: Deadline = None,
    seed: Annotated[int, typer.Option(help="Decides instances, targets and chance.")] = 0,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every improver run to this file, as a table.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the means to this file, as SVG.")] = None,
    max_dollars: MaxDollars = None,
    max_answers: MaxAnswers = None,
    max_bought_tokens: MaxBoughtTokens = None,
    max_minutes: MaxMinutes = None,
    max_cpu_minutes: MaxCpu = None,
    yes: Yes = False,
    sandbox: Level = "strict",
    store: StorePath = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Compare improvers on tasks at equal budgets, on instances and answers that they share."""
    from dataclasses import replace

    from selftaught.runs.carry import circumstances
    from selftaught.runs.estimate import estimate
    from selftaught.settings import Contest
    from selftaught.store import Store

    if max_repetitions is not None and until is None:
        raise UsageError("--max-repetitions bounds --until decided: add that, or say --repetitions")
    writable(csv, picture)
    with Store(store) as facts:
        base = Contest(tuple(_entrant(facts, one) for one in improvers))
        contest = replace(
            base,
            model=model_spec(model),
            base_url=base_url,
            max_tokens=max_tokens,
            price=price_of(price),
            tasks=specs(tasks, base.tasks),
            seed=seed,
            limit=(100 if max_repetitions is None else max_repetitions) if until else None,
            margin=margin,
            inner=allowance(base.inner, calls, responses, scorings, tokens, cpu_s),
            **given(repetitions=repetitions),
        )
        limits = spend_limits(
            max_dollars=max_dollars,
            max_answers=max_answers,
            max_bought_tokens=max_bought_tokens,
            max_minutes=max_minutes,
            max_cpu_minutes=max_cpu_minutes,
            deadline=deadline,
        )
        agree(estimate(contest), limits, yes)
        number = facts.start(contest.plain(), circumstances(sandbox, limits))
        document = follow(facts, number, as_json)
    write(document, csv, picture)


def _entrant(facts: Store, named: str) -> Entrant:
    """An improver by its name in the box, its file, or the run it came from."""
    from selftaught.improvers import load
    from selftaught.runs import kind_of
    from selftaught.settings import Entrant

    kind, _, rest = named.partition(":")
    if kind != "run":
        return Entrant(Path(named).stem if named.endswith(".py") else named, facts.keep(load(named).text))
    number, _, recursion = rest.partition("/")
    if not number.isdigit():
        raise UsageError(
            f"{named} names no run: write run:N with a number from `selftaught runs`, or run:N/ARM/SEED of an experiment"
        )
    record = facts.run(int(number))
    return Entrant(named, kind_of(record.settings).made(record, recursion))
