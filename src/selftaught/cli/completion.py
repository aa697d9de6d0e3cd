"""What a shell completes: names that this version knows, also where bash takes a word apart."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import typer

ASKED = "_SELFTAUGHT_COMPLETE"
"""Set by the script that `--show-completion` prints: the shell that asks."""
_BREAKS = {":", "="}
"""bash begins a new word at these, and puts what it is offered after the last of them."""


def completed(run: Callable[[], int]) -> int:
    """Run the command, whose answer to a bash that asks is told in the pieces that bash knows; any other run as it is."""
    if os.environ.get(ASKED) != "complete_bash":
        return run()
    words, current = rejoined(os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0")))
    os.environ["COMP_WORDS"] = "\n".join(words)
    os.environ["COMP_CWORD"] = str(current)
    had = words[current].rpartition("=")[2] if current < len(words) else ""
    answer = io.StringIO()
    try:
        with redirect_stdout(answer):
            return run()
    finally:
        known = had.rpartition(":")[0] + ":" if ":" in had else ""
        for line in answer.getvalue().splitlines():
            print(line.removeprefix(known))


def rejoined(words: Sequence[str], current: int) -> tuple[list[str], int]:
    """Words as they were typed, of those that bash made of them, and which one the cursor is at.

    No argument of this command is a colon or an equals sign alone, so that each of them belongs to its neighbours.
    """
    typed: list[str] = []
    place, broken = 0, False
    for i, word in enumerate(words):
        joins = bool(typed) and (word in _BREAKS or broken)
        typed[-1:] = [typed[-1] + word] if joins else [*typed[-1:], word]
        broken = word in _BREAKS
        if i == current:
            place = len(typed) - 1
    return typed, place if current < len(words) else len(typed)


def task_names(beginning: str) -> list[str]:
    """Tasks and families that begin so."""
    from selftaught.tasks import specs

    return [one for one in specs() if one.startswith(beginning)]


def improver_names(beginning: str) -> list[str]:
    """Improvers of the box that begin so."""
    from selftaught.improvers import found, names

    return [one for one in names() + found() if one.startswith(beginning)]


def model_names(beginning: str) -> list[str]:
    """Built-in models, and what the names of the others begin with."""
    from selftaught.models.providers import in_box
    from selftaught.settings.plugins import plugins

    known = {one.name.removesuffix("NAME").removesuffix("FILE") for one in in_box()} | {
        f"{one}:" for one in plugins("models")
    }
    return sorted(one for one in known if one.startswith(beginning))


LEVELS = ("strict", "confined", "external")
"""Those of the box, for which no package is looked at."""


def level_names(beginning: str) -> list[str]:
    """Sandbox levels that begin so."""
    from selftaught.settings.plugins import plugins

    return [one for one in (*LEVELS, *plugins("sandboxes")) if one.startswith(beginning)]


def experiment_names(beginning: str) -> list[str]:
    """Experiments that begin so."""
    from selftaught.runs.plans import questions

    return [one for one in questions() if one.startswith(beginning)]


def run_numbers(context: typer.Context, beginning: str) -> list[str]:
    """Runs of the store that is named, or would be taken, whose numbers begin so; none where there is no store."""
    from selftaught.cli.defaults import DEFAULT_STORE, defaults
    from selftaught.errors import SelftaughtError
    from selftaught.store import Store

    try:
        path = context.params.get("store")
        source = getattr(context.get_parameter_source("store"), "name", "DEFAULT")
        if source == "DEFAULT" or path is None:  # what a file sets is not yet read where a shell asks
            commands = getattr(context.parent and context.parent.command, "commands", {})
            by_file = defaults(commands).get(str(context.info_name), {}).get("store")
            path = os.environ.get("SELFTAUGHT_STORE") or by_file or DEFAULT_STORE
        with Store(Path(str(path)), readonly=True) as facts:
            return [str(one.id) for one in facts.runs() if str(one.id).startswith(beginning)]
    except SelftaughtError:
        return []
