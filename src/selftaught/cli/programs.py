"""One untrusted program in the sandbox."""

from __future__ import annotations

import sys
from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast

import typer

from selftaught.cli.declare import command
from selftaught.cli.options import Json, Level, Packages
from selftaught.errors import UsageError
from selftaught.sandbox import PlainAttempts
from selftaught.views.terminal import write


class Executed(TypedDict):
    """What became of a program: `selftaught exec PROGRAM --json`."""

    outcome: str
    """`answer`, or how it failed: `error`, `time`, `memory`, `output`."""
    answer: Any
    """What it returned; null where it failed."""
    error: str
    output: str
    """What it printed."""
    cpu_s: float
    wall_s: float
    peak_mb: float
    """MiB of memory at most."""
    sandbox: str
    """The level it was held at."""
    denied: PlainAttempts
    """What it tried that is not allowed it."""


@command("exec")
def execute(
    program: Annotated[Path, typer.Argument(help="A Python file; - reads standard input.", allow_dash=True)],
    entry: Annotated[str, typer.Option(help="The function to call.")],
    args: Annotated[str, typer.Option(help="Its arguments: a JSON list.")] = "[]",
    cpu_s: Annotated[float, typer.Option(help="CPU seconds it may use.")] = 10.0,
    memory_mb: Annotated[int, typer.Option(help="Address space in MiB it may use.")] = 1024,
    files_mb: Annotated[int, typer.Option(help="MiB of files it may write below /tmp (level strict).")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of its generators of random numbers.")] = 0,
    packages: Packages = None,
    sandbox: Level = "strict",
    json: Json = False,
) -> None:
    """Run one untrusted program in the sandbox and print its outcome. Exit code 0 when it answered, 1 otherwise."""
    from selftaught.sandbox import MOST_MB, Job, Limits
    from selftaught.sandbox.levels import open_sandbox
    from selftaught.views.attempts import in_words

    if not (0.01 <= cpu_s <= 86_400 and 64 <= memory_mb <= MOST_MB and 0 <= files_mb <= MOST_MB):
        raise UsageError(
            f"a program needs --cpu-s from 0.01 to 86400, --memory-mb from 64 to {MOST_MB}, --files-mb from 0 to {MOST_MB}"
        )

    text, values = _text(program), _arguments(args)
    with open_sandbox(sandbox, slots=1) as box:
        limits = Limits(cpu_s=cpu_s, memory_mb=memory_mb, files_mb=files_mb)
        outcome = box.run(Job(text, entry, (tuple(values),), (seed,), limits, packages=tuple(packages or ())))[0]
        level = box.level
    if json:
        document: Executed = {
            "outcome": outcome.kind,
            "answer": outcome.answer,
            "error": outcome.error,
            "output": outcome.output,
            "cpu_s": outcome.cpu_s,
            "wall_s": outcome.wall_s,
            "peak_mb": outcome.peak_mb,
            "sandbox": level,
            "denied": outcome.denied.plain(),
        }
        print(dumps(document))
    else:
        write(outcome.output)
        write(dumps(outcome.answer) if outcome.kind == "answer" else f"{outcome.kind}: {outcome.error}", end="\n")
        print(
            f"[{outcome.cpu_s:.3f} s CPU, {outcome.wall_s:.3f} s, {outcome.peak_mb:.0f} MiB, sandbox {level}]",
            file=sys.stderr,
        )
        if outcome.denied:
            write(f"[tried what is not allowed it: {in_words(outcome.denied.plain())}]", end="\n", to=sys.stderr)
    raise typer.Exit(0 if outcome.kind == "answer" else 1)


def _text(program: Path) -> str:
    from selftaught.program import MAX_CHARS, checked, text_of

    if str(program) != "-":
        return text_of(program)
    try:
        return checked(sys.stdin.read(MAX_CHARS + 1), "standard input")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read standard input: {error}") from error


def _arguments(text: str) -> list[Any]:
    try:
        values: Any = loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--args is not JSON that can be read: {error}") from error
    if not isinstance(values, list):
        raise UsageError('--args is not a JSON list: write the arguments in brackets, e.g. --args "[3]"')
    return [*cast(list[Any], values)]
