"""A run as one file, and such a file run again without network and key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import typer

from selftaught.cli.base import end, existing, follow, looked_at, writable
from selftaught.cli.declare import Working, command
from selftaught.cli.options import Carried, Kept, Level, RunNumber
from selftaught.cli.state import at_its_end
from selftaught.cli.terminal import tell
from selftaught.errors import UsageError
from selftaught.views.terminal import write

_OF_A_STORE = {"usage", "sandbox"}
"""Parts of a document that may differ where a store holds other runs, or where programs are held otherwise."""


class Exported(TypedDict):
    """A recording that was written: `selftaught export RUN --recording FILE --json`."""

    run: int
    recording: str
    """The file."""
    bytes: int
    answers: int
    """Answers in it: those of models that would answer otherwise."""
    verdicts: int
    """What a limit of time or memory had decided."""
    digest: str
    """SHA-256 of the file."""


class ExportedProgram(TypedDict):
    """An improver, or a better program, that was written: `selftaught export RUN --json`."""

    run: int
    kind: Literal["improver", "program"]
    """`program`: of a run of `improve`."""
    file: str
    digest: str
    """SHA-256 of the program, without what surrounds it in the file."""
    importable: bool
    """Whether an improver can be imported without this package."""


@command()
def export(
    number: RunNumber,
    kept: Kept,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Where it is written.  [default: improver_RUN.py]"),
    ] = None,
    recursion: Annotated[
        str, typer.Option("--of", metavar="ARM/SEED", help="Which recursion of an experiment it is of.")
    ] = "",
    recording: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the whole run to this file instead, to be run again."),
    ] = None,
) -> None:
    """Write what a run that is done came to as one file: its improver, of `improve` the better program; or all of the run."""
    if recording is not None:
        if output is not None or recursion:
            raise UsageError("--recording writes the whole run: leave out -o and --of, or --recording")
        _record(number, kept, recording)
    else:
        _take(number, kept, output, recursion)


def _take(number: int, kept: Kept, output: Path | None, recursion: str) -> None:
    """Write the improver, or the better program, to a file that is not there yet."""
    from selftaught.runs.exporting import taken

    with looked_at(kept) as facts:
        at_its_end(facts, number)
        found = taken(facts, number, recursion)
    path = output or Path(found.name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(found.text)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and is never written over: say another by -o FILE") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    if kept.json:
        told: ExportedProgram = {
            "run": number,
            "kind": found.kind,
            "file": str(path),
            "digest": found.program.digest,
            "importable": found.importable,
        }
        print(json.dumps(told))
        return
    write(f"The {'improver' if found.kind == 'improver' else 'better program'} of run {number} is in {path}.", end="\n")
    if found.kind == "improver":
        write(
            f"`selftaught improve PROGRAM --score SCORER --improver {path}` uses it; its head says how other programs do.",
            end="\n",
        )
    if not found.importable:
        tell("it imports from __future__, so that nothing can stand before it: other programs cannot import it")


def _record(number: int, kept: Kept, recording: Path) -> None:
    """Write a run as a recording."""
    from selftaught.runs import recording as form
    from selftaught.runs.replay import recorded

    writable(recording)
    with existing(kept) as facts:
        at_its_end(facts, number)
        found = recorded(facts, number)
    size = form.write(found, recording)
    answers = sum(one.kind == "answer" for one in found.facts)
    verdicts = len(found.facts) - answers
    if kept.json:
        told: Exported = {
            "run": number,
            "recording": str(recording),
            "bytes": size,
            "answers": answers,
            "verdicts": verdicts,
            "digest": _digest(recording),
        }
        print(json.dumps(told))
        return
    write(
        f"Run {number} is in {recording} ({size:,} bytes): {answers:,} answers, {verdicts:,} verdicts of limits.",
        end="\n",
    )
    write(f"`selftaught replay {recording}` runs it again, without network and key.", end="\n")


@command(cls=Working)
def replay(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, from `selftaught export`.")],
    how: Carried,
    sandbox: Level = "strict",
    task_file: Annotated[
        list[Path] | None,
        typer.Option("--task-file", help="A file of tasks or a scorer of your own that it may use; repeat for more."),
    ] = None,
) -> None:
    """Run a recording again to the same document, in a store like any run: answers are read, all else is computed."""
    from selftaught.runs.recording import read
    from selftaught.runs.replay import begin, differing
    from selftaught.store import Store

    tell(f"reading {recording} …")
    found = read(recording)
    with Store(how.store) as facts, begin(found, _digest(recording), facts, sandbox, task_file or ()) as number:
        told = found.heading
        tell(
            f"run {number} is run {told['run']} of {told['started'][:10]} again, made by selftaught {told['selftaught']}"
        )
        document = follow(facts, number, how)
    others = differing(found, document)
    tell(f"not as recorded: {', '.join(others)}" if others else "every figure is as it was recorded")
    if {*others} - _OF_A_STORE:
        raise typer.Exit(1)
    end(document)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
