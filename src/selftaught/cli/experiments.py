"""The paper's experiments and its open questions, each one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from selftaught.cli.base import agree, begin, end, writable, write
from selftaught.cli.declare import WHAT, Working, command, option
from selftaught.cli.options import Begun, RoundSpending, Served, model_spec
from selftaught.cli.terminal import show_rows

if TYPE_CHECKING:
    from selftaught.settings import Plan


@command(everyday=("model", "preset", "plan", "runs", "seed"), cls=Working)
def experiment(
    asked: Served,
    spending: RoundSpending,
    how: Begun,
    name: Annotated[str | None, typer.Argument(help="Which experiment; without a name, they are listed.")] = None,
    preset: Annotated[
        Literal["ours", "paper", "tiny"],
        option(WHAT, "paper: to its letter; ours: our budgets, gate and tasks; tiny: to see in seconds that it works."),
    ] = "ours",
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do and cost, and stop.")] = False,
    runs: Annotated[int | None, option(WHAT, "Recursions of each arm, instead of the preset's number.")] = None,
    model: Annotated[
        list[str] | None, option(WHAT, "Who proposes; repeat it for `models`.  [default: offline]", "MODEL")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the figures to this file, as SVG.")] = None,
) -> None:
    """Run one of the paper's experiments, or one that it left open, to its table; `--plan` shows it first."""
    from selftaught.runs import plans
    from selftaught.runs.estimate import estimate
    from selftaught.store import Store

    if name is None:
        show_rows([{"experiment": one, "asks": question} for one, question in plans.questions().items()], how.json)
        return
    models = [*map(model_spec, model or ["offline"])]
    planned = plans.plan(name, preset, models, runs=runs, **asked.settings())
    bound = estimate(planned, keyless=plan)
    if plan:
        _show_plan(planned, str(bound), how.json)
        return
    writable(picture)
    agree(bound, spending.limits(), how.yes)
    with Store(how.store) as facts:
        plans.keep(facts.keep)
        document = begin(facts, planned, asked.seed, spending, how, plan=planned.digest)
    write(document, None, picture)
    end(document)


def _show_plan(planned: Plan, at_most: str, as_json: bool) -> None:
    from selftaught.views import experiment, tables

    if as_json:
        print(json.dumps({**planned.plain(), "digest": planned.digest, "asks": at_most}))
    else:
        tables.show([experiment.plan(planned.plain(), planned.digest, at_most)])
