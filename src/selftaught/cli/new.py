"""Something to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from selftaught.cli.declare import command
from selftaught.views.terminal import write


@command()
def new(
    what: Annotated[Literal["task"], typer.Argument(metavar="task", help="What to begin with.")],  # noqa: ARG001 - one so far
    name: Annotated[Path, typer.Argument(metavar="NAME", help="How it is called; with a folder, where it is to be.")],
) -> None:
    """Write a task of your own to begin with, as a small file that works at once. No file is written over."""
    from selftaught.tasks import fresh

    path = fresh.write(name)
    file = shlex.quote(str(path))
    write(f"{path} is a task that works as it is. What can be done with it:", end="\n")
    rows = {
        f"tasks --check {file}": "try it, and say what is wrong",
        f"compare seed hints --tasks {file}": "two improvers at work on it",
        f"run --tasks {file} --tasks lpn": "recurse on it and on one of the box",
    }
    width = max(map(len, rows))
    for words, does in rows.items():
        write(f"  selftaught {words:{width}}  {does}", end="\n")
