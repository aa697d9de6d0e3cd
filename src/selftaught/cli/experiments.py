"""The paper's experiments and its open questions, each one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, cast

import typer

from selftaught.cli.base import begin, end, made, writable, write
from selftaught.cli.completion import experiment_names, model_names
from selftaught.cli.consent import agree
from selftaught.cli.declare import PROPOSER, WHAT, Under, Working, command, option
from selftaught.cli.options import Begun, ManyAsked, OnAttempt, RoundSpending, Served
from selftaught.cli.terminal import show_rows

if TYPE_CHECKING:
    from selftaught.settings import Plan


class ExperimentRow(TypedDict):
    """An experiment that there is: `selftaught experiment --json` is a list of these."""

    experiment: str
    """Its name."""
    asks: str


class PlainPlan(TypedDict):
    """What an experiment would do: `selftaught experiment NAME --plan --json`."""

    kind: str
    name: str
    preset: str
    question: str
    arms: list[dict[str, Any]]
    """Of each its name and the settings of its recursions."""
    runs: int
    """Recursions of each arm."""
    contest: dict[str, Any] | None
    """What is compared afterwards."""
    again: bool
    """Whether the improvers are also set to improve the seed improver afresh."""
    model: str
    base_url: str | None
    max_tokens: int | None
    price: list[float] | None
    """Dollars per million tokens, in and out."""
    seed: int
    digest: str
    """The digest of the plan."""
    asks: str
    """What it may ask of its models, and cost, at most."""


@command(everyday=("model", "preset", "plan", "runs", "seed"), cls=Working)
def experiment(
    asked: ManyAsked,
    reached: Annotated[Served, Under("proposer_", PROPOSER)],
    spending: RoundSpending,
    how: Begun,
    name: Annotated[
        str | None,
        typer.Argument(help="Which experiment; without a name, they are listed.", autocompletion=experiment_names),
    ] = None,
    preset: Annotated[
        Literal["ours", "paper", "tiny"],
        option(WHAT, "paper: to its letter; ours: our budgets, gate and tasks; tiny: to see in seconds that it works."),
    ] = "ours",
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do and cost, and stop.")] = False,
    runs: Annotated[int | None, option(WHAT, "Recursions of each arm, instead of the preset's number.")] = None,
    model: Annotated[
        list[str] | None,
        option(WHAT, "Who proposes; repeat it for `models`.  [default: offline]", "MODEL", model_names),
    ] = None,
    proposer: Annotated[
        list[str] | None,
        option(
            PROPOSER,
            "Its name, as of --model; repeat it for `proposers`.  [default: --model does both]",
            "MODEL",
            model_names,
        ),
    ] = None,
    on_attempt: OnAttempt = "record",
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the figures to this file, as SVG.")] = None,
) -> None:
    """Run one of the paper's experiments, or one that it left open, to its table; `--plan` shows it first."""
    from selftaught.runs import plans
    from selftaught.runs.estimate import estimate

    if name is None:
        rows: list[ExperimentRow] = [
            {"experiment": one, "asks": question} for one, question in plans.questions().items()
        ]
        show_rows(rows, how.json)
        return
    models = asked.choices(model or ["offline"])
    proposers = reached.proposers(proposer or [], models[0] if len(models) == 1 else None)
    planned = plans.plan(name, preset, models, asked.drawn, runs, proposers, on_attempt)
    if plan:
        _show_plan(planned, str(estimate(planned, keyless=True)), how.json)
        return
    writable(picture)
    trial = agree(planned, plans.texts().__getitem__, spending.limits(), how)
    with made(how) as facts:
        plans.keep(facts.keep)
        document = begin(facts, planned, asked.seed, spending, how, trial, plan=planned.digest)
    write(document, None, picture)
    end(document)


def _show_plan(planned: Plan, at_most: str, as_json: bool) -> None:
    from selftaught.views import experiment, tables

    if as_json:
        told = cast("PlainPlan", {**planned.plain(), "digest": planned.digest, "asks": at_most})
        print(json.dumps(told))
    else:
        tables.show([experiment.plan(planned.plain(), planned.digest, at_most)])
