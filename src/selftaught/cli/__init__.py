"""The `selftaught` command. Each command reads its options, calls the library, and shows what came of it.

Exit codes: 0 done · 1 failed (the same command may work later) · 2 wrong usage · 3 refused for safety · 4 budget used up
(what was reached is kept) · 130 interrupted (resumable).
"""

from __future__ import annotations

import sys

import typer

from selftaught.cli import runs  # isort: skip
from selftaught.cli import contests, experiments, upkeep, lists, programs  # isort: skip
from selftaught.cli.declare import app, words
from selftaught.cli.terminal import line, tell
from selftaught.errors import SelftaughtError

__all__ = ["app", "contests", "experiments", "lists", "main", "programs", "runs", "upkeep"]


def main() -> None:
    """Run the command: errors we know become one line and their exit code."""
    sys.setswitchinterval(0.0005)  # threads mostly hand small pieces of work to each other
    try:
        code = app(prog_name="selftaught", standalone_mode=False)
    except SelftaughtError as error:
        tell(line(str(error)))
        code = error.exit_code
    except typer.TyperException as error:
        tell(line(words(error)))
        code = error.exit_code
    except typer.Abort:
        tell("nothing was begun")
        code = 1
    sys.exit(code)
