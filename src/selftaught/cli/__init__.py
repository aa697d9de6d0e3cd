"""The `selftaught` command. Each command reads its options, calls the library, and shows what came of it.

Exit codes: 0 done · 1 failed (the same command may work later) · 2 wrong usage · 3 refused for safety · 4 budget used up
(what was reached is kept) · 130 interrupted (resumable).
"""

from __future__ import annotations

import sys

from selftaught.cli import runs  # isort: skip
from selftaught.cli import contests, experiments, lists, programs
from selftaught.cli.base import app
from selftaught.errors import SelftaughtError
from selftaught.views import terminal

__all__ = ["app", "contests", "experiments", "lists", "main", "programs", "runs"]


def main() -> None:
    """Run the command: errors we know become one line and their exit code."""
    sys.setswitchinterval(0.0005)  # threads mostly hand small pieces of work to each other
    try:
        app()
    except SelftaughtError as error:
        terminal.write(f"selftaught: {error}", "\n", sys.stderr)
        sys.exit(error.exit_code)
