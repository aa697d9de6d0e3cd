"""Improvers against improvers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selftaught.cli.base import begin, end, looked_at, made, writable, write
from selftaught.cli.completion import improver_names
from selftaught.cli.consent import agree
from selftaught.cli.declare import Working, command
from selftaught.cli.options import Asked, Begun, Budget, Comparison, Kept, Spending, specs
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.program import Program
    from selftaught.settings import Entrant


@command(everyday=("model", "tasks", "repetitions", "until", "seed"), cls=Working)
def compare(
    improvers: Annotated[
        list[str],
        typer.Argument(
            metavar="IMPROVER...",
            autocompletion=improver_names,
            help="Names from `improvers`, files, or run:N, what run N ended with (run:N/ARM/SEED: a recursion of an "
            "experiment). The first is the reference.",
        ),
    ],
    asked: Asked,
    comparison: Comparison,
    inner: Budget,
    spending: Spending,
    how: Begun,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every improver run to this file, as a table.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the means to this file, as SVG.")] = None,
) -> None:
    """Compare improvers on tasks at equal budgets, on instances and answers that they share."""
    from dataclasses import replace

    from selftaught.settings import Contest

    limit = comparison.limit
    writable(csv, picture)
    entrants = [entrant(one, how) for one in improvers]
    base = Contest(tuple(entrant for entrant, _ in entrants))
    contest = replace(
        base,
        **asked.settings(),
        tasks=specs(comparison.tasks, base.tasks),
        repetitions=base.repetitions if comparison.repetitions is None else comparison.repetitions,
        limit=limit,
        margin=comparison.margin,
        inner=inner.over(base.inner),
    )
    texts = {program.digest: program.text for _, program in entrants}
    trial = agree(contest, texts.__getitem__, spending.limits(), how)
    with made(how) as facts:
        for text in texts.values():
            facts.keep(text)
        document = begin(facts, contest, asked.seed, spending, how, trial)
    write(document, csv, picture)
    end(document)


def entrant(named: str, kept: Kept) -> tuple[Entrant, Program]:
    """An improver as it is named on the command line, and its program."""
    return _of_run(named, kept) if named.partition(":")[0] == "run" else _given(named)


def _given(named: str) -> tuple[Entrant, Program]:
    """An improver by its name in the box or its file, and its program."""
    from selftaught.improvers import load
    from selftaught.settings import Entrant

    program = load(named)
    return Entrant(Path(named).stem if named.endswith(".py") else named, program.digest), program


def _of_run(named: str, kept: Kept) -> tuple[Entrant, Program]:
    """The improver that a run in the store ended with, and its program."""
    from selftaught.program import Program
    from selftaught.runs import assignment, made, same_contract
    from selftaught.settings import Entrant

    number, _, recursion = named.removeprefix("run:").partition("/")
    if not number.isdecimal():
        raise UsageError(
            f"{named} names no run: write run:N with a number from `selftaught runs`, or run:N/ARM/SEED of an experiment"
        )
    with looked_at(kept) as facts:
        record = facts.run(int(number))
        assignment(record)
        same_contract(record)
        improver = made(record, recursion)
        return Entrant(named, improver), Program(facts.text(improver))
