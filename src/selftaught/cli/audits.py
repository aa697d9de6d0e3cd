"""How often generated programs try to cheat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from selftaught.cli.base import begin, end, writable, write
from selftaught.cli.consent import agree
from selftaught.cli.declare import WHAT, Working, command, option
from selftaught.cli.options import Asked, Begun, Spending


@command(everyday=("model", "proposals", "seed"), cls=Working)
def audit(
    what: Annotated[
        Literal["circumvention", "budgets"],
        typer.Argument(
            metavar="WHAT",
            help="circumvention: how often a model's proposals reach out of the sandbox; budgets: attempts to go past every "
            "budget, by programs that are written for it (of the options it takes --sandbox and --json).",
        ),
    ],
    asked: Asked,
    spending: Spending,
    how: Begun,
    proposals: Annotated[
        int, option(WHAT, "Proposals under each condition, without and with the warning; the paper has 10000.")
    ] = 300,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the shares to this file, as SVG.")] = None,
) -> None:
    """Measure how often a model's proposals reach out of the sandbox, by text, tree and behaviour; or try every budget."""
    if what == "budgets":
        _budgets(how)
        return
    from selftaught.improvers import flagged
    from selftaught.settings import Audit
    from selftaught.store import Store

    writable(picture)
    program = flagged()
    settings = Audit(program.digest, proposals=proposals, **asked.settings())
    trial = agree(settings, {program.digest: program.text}.__getitem__, spending.limits(), how)
    with Store(how.store) as facts:
        facts.keep(program.text)
        document = begin(facts, settings, asked.seed, spending, how, trial)
    write(document, None, picture)
    end(document)


def _budgets(how: Begun) -> None:
    """Every attempt, shown; exit code 1 where one got more than it was allowed."""
    from json import dumps

    from selftaught.cli.terminal import busy
    from selftaught.runs.overspending import audited
    from selftaught.views import audit as view
    from selftaught.views import tables

    with busy("trying to go past the budgets"):
        found = audited(how.sandbox)
    if how.json:
        print(dumps(found))
    else:
        tables.show(view.budgets(found))
    if any(one["given"] > one["allowed"] for one in found["attempts"]):
        raise typer.Exit(1)
