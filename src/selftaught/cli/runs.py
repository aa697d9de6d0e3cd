"""Commands about runs: begin one, go on with one, look."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypedDict, cast

import typer

from selftaught.cli.base import begin, end, existing, follow, looked_at, made, of_recording, show_document
from selftaught.cli.better import hand_out, wanted_in
from selftaught.cli.consent import agree
from selftaught.cli.declare import OUTER, PROPOSER, Under, Working, command
from selftaught.cli.options import (
    Asked,
    Begun,
    Budget,
    Carried,
    Headers,
    Kept,
    Proposer,
    Recursion,
    RoundSpending,
    RunNumber,
    Served,
    given,
    specs,
)
from selftaught.cli.state import PlainStanding, Standing, doing, standing
from selftaught.cli.terminal import busy, sentence, show_program, show_rows
from selftaught.errors import UsageError, reading
from selftaught.sandbox import PlainAttempts
from selftaught.views.terminal import write

if TYPE_CHECKING:
    from selftaught.evidence.circumvention import PlainProposal
    from selftaught.lab.progress import Pulse
    from selftaught.settings import Assignment, Settings
    from selftaught.store import RunRecord, Store
    from selftaught.views.sheets import Part


@command(everyday=("model", "tasks", "improver", "rounds", "seed"), cls=Working)
def run(
    asked: Asked,
    recursion: Recursion,
    writer: Proposer,
    reached: Annotated[Served, Under("proposer_", PROPOSER)],
    inner: Budget,
    outer: Annotated[Budget, Under("outer_", OUTER)],
    spending: RoundSpending,
    how: Begun,
) -> None:
    """Improve an improver, round after round, then compare it with its controls on a test split."""
    from dataclasses import replace

    from selftaught.improvers import load
    from selftaught.settings import Settings

    program = load(recursion.improver)
    own = asked.settings()
    proposers = reached.proposers([writer.proposer] if writer.proposer else [], own["model"])
    proposer = proposers[0] if proposers else None
    base = Settings(
        improver=program.digest, proposer=proposer, hints=proposer is not None, **own, **_recursion(recursion)
    )
    within = inner.over(base.inner)
    settings = replace(base, inner=within, outer=outer.over(replace(base.outer, calls=within.calls)))
    trial = agree(settings, {program.digest: program.text}.__getitem__, spending.limits(), how)
    with made(how) as facts:
        facts.keep(program.text)
        end(begin(facts, settings, asked.seed, spending, how, trial))


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
def resume(
    number: RunNumber,
    spending: RoundSpending,
    how: Carried,
    sent: Headers,
    proposer: Annotated[Headers, Under("proposer_", PROPOSER)],
) -> None:
    """Go on with a run that was stopped; nothing it has paid for is paid for again."""
    from selftaught.runs import DONE, assignment
    from selftaught.runs.going import begun_with, ready
    from selftaught.settings.choice import Sent
    from selftaught.settings.own import Own

    with existing(how) as facts:
        record = facts.run(number)
        asked = assignment(record) if record.status == DONE else ready(record)
        both = Sent(sent.headers(), proposer.headers("proposer-"))
        document = follow(facts, number, how, spending.limits(begun_with(record)), both)
    if isinstance(asked, Own):
        hand_out(document, Path(asked.name), wanted_in(record))
    end(document)


@command()
def show(
    number: RunNumber,
    kept: Kept,
    program: Annotated[bool, typer.Option("--improver", help="Print the improved improver's program instead.")] = False,
    recursion: Annotated[
        str, typer.Option("--of", metavar="ARM/SEED", help="With --improver: which recursion of an experiment.")
    ] = "",
    proposal: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of an audit: open proposal N, its text and what the judges say of it."),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--program",
            metavar="DIGEST",
            help="Open a program of the run by the first digits of its digest: what it tried that was denied, and its text.",
        ),
    ] = None,
) -> None:
    """Look at a run, also while another process works on it."""
    from selftaught.program import Program
    from selftaught.runs import assignment, made

    if recursion and not program:
        raise UsageError("--of chooses whose program --improver prints: add --improver")
    if sum(one is not None for one in (proposal, digest, program or None)) > 1:
        raise UsageError("--improver, --proposal and --program each open something else: give one of them")
    with looked_at(kept) as facts:
        record = facts.run(number)
        asked = assignment(record)
        if proposal is not None:
            _show_proposal(facts, record, asked, proposal, kept.json)
        elif digest is not None:
            _show_program(facts, record, digest, kept.json)
        elif program:
            show_program(Program(facts.text(made(record, recursion))), kept.json)
        else:
            _show(record, standing(facts, record), kept.json)


class OpenedProgram(TypedDict):
    """A program of a run: `selftaught show RUN --program DIGEST --json`."""

    program: str
    """Its digest."""
    denied: PlainAttempts
    """What it tried that is not allowed it, in all its runs in this run."""
    source: str


def _show_program(facts: Store, record: RunRecord, begun: str, as_json: bool) -> None:
    """A program of a run: what it tried, then its text."""
    from selftaught.runs.opened import opened
    from selftaught.views.attempts import in_words

    found, tried = opened(facts, record, begun)
    if as_json:
        print(json.dumps(OpenedProgram(program=found.digest, denied=tried.plain(), source=found.text)))
        return
    said = f"tried what is not allowed it: {in_words(tried.plain())}" if tried else "tried nothing that was denied"
    write(f"# {found.digest[:10]} {said}", end="\n", to=sys.stderr)
    write(found.text, end="\n")


def _show_proposal(facts: Store, record: RunRecord, asked: Assignment, number: int, as_json: bool) -> None:
    """A proposal of an audit: what the judges say, then its text."""
    from selftaught.runs.audit import proposal
    from selftaught.settings.audits import Audit
    from selftaught.views import audit, tables

    if not isinstance(asked, Audit):
        raise UsageError(f"run {record.id} is no audit: it has no numbered proposals")
    found, text = proposal(facts, record, number)
    if as_json:
        print(json.dumps({**found, "source": text}))
        return
    tables.show(audit.proposal(cast("PlainProposal", found)))
    write(text, end="\n")


def _show(record: RunRecord, stands: Standing, as_json: bool) -> None:
    """What has come of a run so far, and how it stands unless it is done."""
    document = dict(record.document or {})
    if stands.state == "done":
        if not as_json and (again := of_recording(record)):
            write(f"Run {record.id} is {again}", end="\n")
        show_document(record.id, document, as_json)
        return
    parts = _parts(record, stands)
    if as_json:
        print(json.dumps({**document, **stands.plain()}))
        return
    from selftaught.views import tables

    tables.show(parts)
    if stands.goes_on:
        write(f"{sentence(stands.goes_on)}.", end="\n")


def _parts(record: RunRecord, stands: Standing) -> list[Part]:
    """What is to be shown of a run that has not come to its end."""
    from selftaught.views import running, sheets
    from selftaught.views.sheets import Note

    document, quiet = record.document or {}, stands.now["quiet_s"] if stands.now else None
    with reading(f"run {record.id} cannot be shown: its document is not whole"):
        if stands.state == "stopped" and "stopped" in document:
            return sheets(document)
        pulse = cast("Pulse", record.pulse) if record.pulse else None
        died = stands.state == "died"
        return [Note(f"Run {record.id}: {stands.said}"), *running.sheets(document, pulse, quiet, died)]


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
        stands = standing(facts, record)
        with (
            busy("reading and comparing the programs of all rounds"),
            reading(f"run {number} has no lineage to tell: its document is not whole"),
            open_sandbox(record.circumstances["sandbox"], slots=1) as sandbox,
        ):
            found = trace(facts, number, sandbox)
            parts = view.sheets(found)
    if kept.json:
        print(json.dumps(found))
        return
    if stands.state != "done":
        write(f"Run {number}: {stands.said}; what follows is what it has come to so far", end="\n")
    tables.show(parts)


@command()
def runs(kept: Kept) -> None:
    """List the runs of a store, and how each stands."""
    with looked_at(kept) as facts:
        found = [(record, standing(facts, record)) for record in facts.runs()]
    rows = [_row(*one) for one in found]
    if kept.json:
        show_rows(rows, True)
        return
    show_rows(
        [
            {name: row[name] for name in _LISTED} | _short(row, stands)
            for row, (_, stands) in zip(rows, found, strict=True)
        ],
        False,
    )
    for _, stands in found:
        for said in (stands.now and doing(stands.now, stands.state == "died"), stands.goes_on):
            if said:
                write(f"Run {stands.number}: {said}", end="\n")


class RunRow(PlainStanding):
    """A run of the store: `selftaught runs --json` is a list of these."""

    run: int
    started: str
    """When, UTC."""
    status: str
    """`running`, `done`, why it stopped, or that it died."""
    model: str | None
    proposer: str | None
    """Who writes improvers; null: the model."""
    seed: int | None
    about: str
    """What it is asked to do, or why this version cannot tell."""


_LISTED: Final = ("run", "started", "status", "model", "about")
_LONG = 120
"""Characters of a status that are listed; `show` tells the whole of it."""


def _row(record: RunRecord, stands: Standing) -> RunRow:
    stopped = record.status if record.status != "running" else stands.said
    return {
        "run": record.id,
        "started": record.started,
        "status": "running" if stands.state == "running" else stopped,
        "model": record.settings.get("model"),
        "proposer": _proposer(record),
        "seed": record.settings.get("seed"),
        "about": _about(record),
        **stands.plain(),
    }


def _proposer(record: RunRecord) -> str | None:
    proposer = record.settings.get("proposer")
    return cast("dict[str, Any]", proposer).get("model") if isinstance(proposer, dict) else None


def _short(row: RunRow, stands: Standing) -> dict[str, str]:
    """What of a row is shorter in the list: the minute of its beginning, and the status in a line or two."""
    said = stands.said if len(stands.said) <= _LONG else f"{stands.said[:_LONG]}…"
    return {"started": row["started"][:16].replace("T", " "), "status": said}


def _about(record: RunRecord) -> str:
    """What a run is asked to do, or why this version cannot tell."""
    from selftaught.runs import assignment

    try:
        return assignment(record).summary
    except UsageError as error:
        return str(error)
