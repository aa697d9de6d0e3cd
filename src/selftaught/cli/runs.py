"""Commands about runs: begin one, go on with one, look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from selftaught.cli.base import agree, begin, end, existing, follow, looked_at, show_document
from selftaught.cli.declare import OUTER, Under, Working, command
from selftaught.cli.options import (
    Asked,
    Begun,
    Budget,
    Carried,
    Headers,
    Kept,
    Recursion,
    RoundSpending,
    RunNumber,
    given,
    specs,
)
from selftaught.cli.state import Standing, standing
from selftaught.cli.terminal import show_program, show_rows
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.budget.spend import SpendLimits
    from selftaught.lab.progress import Pulse
    from selftaught.settings import Settings
    from selftaught.store import RunRecord


@command(everyday=("model", "tasks", "improver", "rounds", "seed"), cls=Working)
def run(
    asked: Asked,
    recursion: Recursion,
    inner: Budget,
    outer: Annotated[Budget, Under("outer_", OUTER)],
    spending: RoundSpending,
    how: Begun,
) -> None:
    """Improve an improver, round after round, then compare it with its controls on a test split."""
    from dataclasses import replace

    from selftaught.improvers import load
    from selftaught.runs.estimate import estimate
    from selftaught.settings import Settings
    from selftaught.store import Store

    program = load(recursion.improver)
    with Store(how.store) as facts:
        base = Settings(improver=facts.keep(program.text), **asked.settings(), **_recursion(recursion))
        settings = replace(base, inner=inner.over(base.inner), outer=outer.over(base.outer))
        agree(estimate(settings), spending.limits(), how.yes)
        end(begin(facts, settings, asked.seed, spending, how))


def _recursion(options: Recursion) -> dict[str, Any]:
    """The options as fields of settings."""
    from selftaught.settings import Settings

    given_fields = {
        name: value for name, value in given(options).items() if name not in {"tasks", "test_tasks", "improver"}
    }
    default: Settings = Settings("")
    test = specs(options.test_tasks, specs(options.tasks, default.test_tasks))
    return {**given_fields, "tasks": specs(options.tasks, default.tasks), "test_tasks": test}


@command(cls=Working)
def resume(number: RunNumber, spending: RoundSpending, how: Carried, sent: Headers) -> None:
    """Go on with a run that was stopped; nothing it has paid for is paid for again."""
    with existing(how) as facts:
        limits = spending.limits(_begun_with(facts.run(number)))
        end(follow(facts, number, how, limits, sent.headers))


def _begun_with(record: RunRecord) -> SpendLimits:
    """The limits of a run; UsageError for one that this version does not know and so could not keep."""
    from dataclasses import fields

    from selftaught.budget.spend import SpendLimits
    from selftaught.runs import assignment

    assignment(record)
    limits = record.circumstances.get("limits", {})
    strange = sorted(limits.keys() - {one.name for one in fields(SpendLimits)})
    if strange:
        raise UsageError(
            f"run {record.id} has the limit {strange[0]!r}, which this selftaught does not know: upgrade selftaught"
        )
    return SpendLimits(**limits)


@command()
def show(
    number: RunNumber,
    kept: Kept,
    program: Annotated[bool, typer.Option("--improver", help="Print the improved improver's program instead.")] = False,
    recursion: Annotated[
        str, typer.Option("--of", metavar="ARM/SEED", help="With --improver: which recursion of an experiment.")
    ] = "",
) -> None:
    """Look at a run, also while another process works on it."""
    from selftaught.program import Program
    from selftaught.runs import assignment, kind_of

    if recursion and not program:
        raise UsageError("--of chooses whose program --improver prints: add --improver")
    with looked_at(kept) as facts:
        record = facts.run(number)
        assignment(record)
        if program:
            made = kind_of(record.settings).made(record, recursion)
            show_program(Program(facts.text(made)), kept.json)
        else:
            _show(record, standing(facts, record), kept.json)


def _show(record: RunRecord, stands: Standing, as_json: bool) -> None:
    """What has come of a run so far, and how it stands unless it is done."""
    document = dict(record.document or {})
    if as_json:
        print(json.dumps(document if stands.state == "done" else {**document, **stands.plain()}))
    elif stands.state == "done":
        show_document(document, as_json)
    elif stands.state == "stopped" and "stopped" in document:
        show_document(document, as_json)
        print(f"{stands.goes_on}.")
    else:
        from selftaught.views import running, tables

        print(f"Run {record.id}: {stands.said}")
        quiet = stands.now.quiet_s if stands.now else None
        tables.show(running.sheets(document, cast("Pulse | None", record.pulse), quiet))
        if stands.goes_on:
            print(f"{stands.goes_on}.")


@command()
def lineage(number: RunNumber, kept: Kept) -> None:
    """Tell which improver made which: all that was proposed, with scores, ideas, changes and strategies."""
    from selftaught.evidence.lineage import lineage as trace
    from selftaught.runs import assignment
    from selftaught.sandbox.levels import open_sandbox
    from selftaught.views import lineage as view
    from selftaught.views import tables

    with looked_at(kept) as facts:
        record = facts.run(number)
        assignment(record)
        with open_sandbox(record.circumstances["sandbox"], slots=1) as sandbox:
            found = trace(facts, number, sandbox)
    if kept.json:
        print(json.dumps(found))
    else:
        tables.show(view.sheets(found))


@command()
def runs(kept: Kept) -> None:
    """List the runs of a store, and how each stands."""
    with looked_at(kept) as facts:
        found = [(record, standing(facts, record), _about(record)) for record in facts.runs()]
    if kept.json:
        show_rows([{**_row(record, about), **stands.plain()} for record, stands, about in found], True)
        return
    show_rows([{**_row(record, about), "status": stands.said} for record, stands, about in found], False)
    for _, stands, _ in found:
        for said in (stands.now, stands.goes_on):
            if said:
                print(f"Run {stands.number}: {said}")


def _row(record: RunRecord, about: str) -> dict[str, Any]:
    settings = record.settings if isinstance(record.settings, dict) else {}
    return {
        "run": record.id,
        "started": record.started,
        "status": record.status,
        "model": settings.get("model"),
        "seed": settings.get("seed"),
        "about": about,
    }


def _about(record: RunRecord) -> str:
    """What a run is asked to do, or why this version cannot tell."""
    from selftaught.runs import assignment

    try:
        return assignment(record).summary
    except UsageError as error:
        return str(error)
