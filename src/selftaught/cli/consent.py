"""What is asked before a run that may cost money: what it can cost at most, what it will probably, and whether to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from selftaught.cli.options import Begun
from selftaught.cli.terminal import sentence, tell
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.budget.spend import SpendLimits
    from selftaught.runs.forecast import Forecast
    from selftaught.settings import Assignment
    from selftaught.store import Store


def agree(asked: Assignment, text: Callable[[str], str], limits: SpendLimits, how: Begun) -> bool:
    """Show what a run may cost and will probably come to, and ask before one that is not free; whether its first answers are
    to be bought as a trial. UsageError where a limit on dollars could not be kept.

    `text` gives the texts of its improvers by their digests.
    """
    from selftaught.runs.estimate import estimate

    bound = estimate(asked)
    if bound.dollars == 0:
        return False
    tell(str(bound))
    if bound.unpriced:
        if limits.dollars is not None or limits.round_dollars is not None:
            raise UsageError(f"a limit on dollars cannot be kept: {bound.unpriced}")
        tell(bound.unpriced)
    found = probable(None, asked, text, how, limits)
    if how.yes:
        return False
    if not sys.stdin.isatty():
        if limits.dollars is not None:
            return False
        raise UsageError("this run may cost money: add --max-dollars to bound it, or --yes to go on without asking")
    return _asked(found, bound.of(_trial()))


def probable(
    facts: Store | None, asked: Assignment, text: Callable[[str], str], how: Begun, limits: SpendLimits
) -> Forecast:
    """What a run will probably come to, said as well, with how far a limit on dollars goes."""
    from selftaught.plain import is_file
    from selftaught.runs.estimate import forecast
    from selftaught.sandbox.levels import open_sandbox
    from selftaught.store import Store, is_empty

    here = (
        nullcontext(facts)
        if facts or not is_file(how.store) or is_empty(how.store)
        else Store(how.store, readonly=True)
    )
    with here as store, open_sandbox(how.sandbox) as sandbox:
        found = forecast(asked, store, sandbox, text)
    goes = "" if limits.dollars is None else found.within(limits.dollars)
    tell(f"{found}{f'; {goes}' if goes else ''}")
    return found


def go_on(otherwise: str) -> None:
    """Ask whether to go on after a trial; exit code 2 where not."""
    if not typer.confirm("Go on?", err=True):
        tell(sentence(f"nothing is lost: {otherwise}"))
        raise typer.Exit(2)


def _asked(found: Forecast, at_most: float | None) -> bool:
    """Ask whether to go on; whether with a trial first, where what an answer costs is not known."""
    if found.dollars is not None:
        if not typer.confirm("Go on?", err=True):
            raise typer.Exit(2)
        return False
    price = "" if at_most is None else f", for at most ${at_most:,.2f}"
    tell(f"what its answers cost is not known from earlier ones: t buys the first {_trial()}{price}, and says more")
    said = typer.prompt("Go on? [y/t/N]", default="n", show_default=False, err=True).strip().lower()
    if said not in {"y", "yes", "t"}:
        raise typer.Exit(2)
    return said == "t"


def _trial() -> int:
    from selftaught.runs.forecast import TRIAL

    return TRIAL
