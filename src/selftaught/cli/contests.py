"""Improvers against improvers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selftaught.cli.base import agree, begin, end, writable, write
from selftaught.cli.declare import Working, command
from selftaught.cli.options import Asked, Begun, Budget, Comparison, Spending, specs
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.settings import Entrant
    from selftaught.store import Store


@command(everyday=("model", "tasks", "repetitions", "until", "seed"), cls=Working)
def compare(
    improvers: Annotated[
        list[str],
        typer.Argument(
            metavar="IMPROVER...",
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

    from selftaught.runs.estimate import estimate
    from selftaught.settings import Contest
    from selftaught.store import Store

    limit = comparison.limit
    writable(csv, picture)
    with Store(how.store) as facts:
        base = Contest(tuple(_entrant(facts, one) for one in improvers))
        contest = replace(
            base,
            **asked.settings(),
            tasks=specs(comparison.tasks, base.tasks),
            repetitions=base.repetitions if comparison.repetitions is None else comparison.repetitions,
            limit=limit,
            margin=comparison.margin,
            inner=inner.over(base.inner),
        )
        agree(estimate(contest), spending.limits(), how.yes)
        document = begin(facts, contest, asked.seed, spending, how)
    write(document, csv, picture)
    end(document)


def _entrant(facts: Store, named: str) -> Entrant:
    """An improver by its name in the box, its file, or the run it came from."""
    from selftaught.improvers import load
    from selftaught.runs import assignment, kind_of, same_contract
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
    assignment(record)
    same_contract(record)
    return Entrant(named, kind_of(record.settings).made(record, recursion))
