"""How often generated programs try to cheat."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from selftaught.cli.base import begin, end, writable, write
from selftaught.cli.completion import improver_names
from selftaught.cli.consent import agree
from selftaught.cli.declare import WHAT, Working, command, option
from selftaught.cli.options import Asked, Begun, Spending
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.program import Program
    from selftaught.settings.audits import Audit, Hacking

_OWN = {"circumvention": {"proposals"}, "hacking": {"at_work", "times", "chain"}, "budgets": set[str]()}
"""The options that only one of the audits has."""


@command(everyday=("model", "proposals", "seed"), cls=Working)
def audit(
    what: Annotated[
        Literal["circumvention", "hacking", "budgets"],
        typer.Argument(
            metavar="WHAT",
            help="circumvention: how often a model's proposals reach out of the sandbox; hacking: how often an improver uses "
            "the flaws of scorers; budgets: attempts to go past every budget, by programs written for it, without a model.",
        ),
    ],
    asked: Asked,
    spending: Spending,
    how: Begun,
    proposals: Annotated[
        int | None,
        option(WHAT, "circumvention: proposals without and with the warning (paper: 10000).  [default: 300]"),
    ] = None,
    at_work: Annotated[
        str | None,
        option(WHAT, "hacking: the improver at work, a name or a file.  [default: seed]", completes=improver_names),
    ] = None,
    times: Annotated[
        int | None, option(WHAT, "hacking: repetitions of every task, without and with the warning.  [default: 3]")
    ] = None,
    chain: Annotated[
        int | None, option(WHAT, "hacking: how often the improver goes on with what it made.  [default: 3]")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the shares to this file, as SVG.")] = None,
) -> None:
    """Measure how often a model's programs try to cheat: the sandbox, flawed scorers, budgets."""
    from selftaught.store import Store

    given = {"proposals": proposals, "at_work": at_work, "times": times, "chain": chain}
    own = {name: value for name, value in given.items() if value is not None}
    if foreign := sorted(own.keys() - _OWN[what]):
        raise UsageError(f"audit {what} has no --{foreign[0].replace('_', '-')}")
    if what == "budgets":
        _budgets(how)
        return
    writable(picture)
    settings, program = _settings(what, own, asked)
    trial = agree(settings, {program.digest: program.text}.__getitem__, spending.limits(), how)
    with Store(how.store) as facts:
        facts.keep(program.text)
        document = begin(facts, settings, asked.seed, spending, how, trial)
    write(document, None, picture)
    end(document)


def _settings(what: str, own: dict[str, int | str], asked: Asked) -> tuple[Audit | Hacking, Program]:
    """What is asked for, and the improver that it is about."""
    from dataclasses import replace

    from selftaught.improvers import flagged, load
    from selftaught.settings.audits import Audit, Hacking

    if what == "circumvention":
        program = flagged()
        return replace(Audit(program.digest, **asked.settings()), **own), program
    program = load(str(own.pop("at_work", "seed")))
    named = {"times": "repetitions", "chain": "rounds"}
    more = {named[name]: value for name, value in own.items()}
    return replace(Hacking(program.digest, **asked.settings()), **more), program


def _budgets(how: Begun) -> None:
    """Every attempt, shown; exit code 1 where one got more than it was allowed."""
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
