"""The paper's experiments and its open questions, each one command."""

from __future__ import annotations

import json
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
    PriceText,
    RoundDollars,
    RoundMinutes,
    StorePath,
    Yes,
    agree,
    app,
    follow,
    model_spec,
    price_of,
    show_rows,
    spend_limits,
    writable,
    write,
)

if TYPE_CHECKING:
    from selftaught.settings import Plan


@app.command()
def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; without a name, they are listed.")] = None,
    preset: Annotated[
        Literal["ours", "paper", "tiny"],
        typer.Option(
            help="paper: to its letter; ours: our budgets, gate and tasks; tiny: to see in seconds that it works."
        ),
    ] = "ours",
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do and cost, and stop.")] = False,
    runs: Annotated[int | None, typer.Option(help="Recursions of each arm, instead of the preset's number.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Who proposes; repeat it for `models`. [default: offline]")
    ] = None,
    base_url: BaseUrl = None,
    max_tokens: MaxTokens = None,
    price: PriceText = None,
    deadline: Deadline = None,
    seed: Annotated[int, typer.Option(help="Seed of the first recursion; the others follow.")] = 0,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the figures to this file, as SVG.")] = None,
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
    """Run one of the paper's experiments, or one that it left open, to its table; `--plan` shows it first."""
    from selftaught.runs import plans
    from selftaught.runs.carry import circumstances
    from selftaught.runs.estimate import estimate
    from selftaught.store import Store

    if name is None:
        show_rows([{"experiment": one, "asks": question} for one, question in plans.questions().items()], as_json)
        return
    planned = plans.plan(
        name, preset, [*map(model_spec, model or ["offline"])], base_url, seed, runs, max_tokens, price_of(price)
    )
    bound = estimate(planned, keyless=plan)
    if plan:
        _show_plan(planned, str(bound), as_json)
        return
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
    writable(picture)
    agree(bound, limits, yes)
    with Store(store) as facts:
        plans.keep(facts.keep)
        number = facts.start(planned.plain(), {**circumstances(sandbox, limits), "plan": planned.digest})
        document = follow(facts, number, as_json)
    write(document, None, picture)


def _show_plan(planned: Plan, at_most: str, as_json: bool) -> None:
    from selftaught.views import experiment, terminal

    if as_json:
        print(json.dumps({**planned.plain(), "digest": planned.digest, "asks": at_most}))
    else:
        terminal.show([experiment.plan(planned.plain(), planned.digest, at_most)])
