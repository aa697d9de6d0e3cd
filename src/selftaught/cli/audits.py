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
        Literal["circumvention"],
        typer.Argument(metavar="WHAT", help="circumvention: how often proposals reach out of the sandbox."),
    ],
    asked: Asked,
    spending: Spending,
    how: Begun,
    proposals: Annotated[
        int, option(WHAT, "Proposals under each condition, without and with the warning; the paper has 10000.")
    ] = 300,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the shares to this file, as SVG.")] = None,
) -> None:
    """Measure how often a model's proposals reach out of the sandbox: by their text, their syntax tree, and when run."""
    del what  # one so far; whoever names it says what is meant
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
