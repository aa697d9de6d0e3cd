"""The `selftaught` command. Each command reads its options, calls the library, and shows what came of it.

Exit codes: 0 done · 1 failed (the same command may work later) · 2 wrong usage · 3 refused for safety · 4 budget used up
(what was reached is kept) · 130 interrupted (resumable).
"""

from __future__ import annotations

import os
import sys

import typer

from selftaught.cli import runs  # isort: skip
from selftaught.cli import own, contests, experiments, audits, recordings, serving, upkeep, lists, new, programs  # isort: skip
from selftaught.cli.completion import completed
from selftaught.cli.declare import app, words
from selftaught.cli.defaults import ENVIRONMENT
from selftaught.cli.terminal import line, tell
from selftaught.errors import SelftaughtError, UsageError

__all__ = [
    "app",
    "audits",
    "contests",
    "experiments",
    "lists",
    "main",
    "new",
    "own",
    "programs",
    "recordings",
    "runs",
    "serving",
    "upkeep",
]

_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def main() -> None:
    """Run the command: errors we know become one line and their exit code."""
    sys.setswitchinterval(0.0005)  # threads mostly hand small pieces of work to each other
    try:
        _check_texts(sys.argv[1:])
        _name_shell(sys.argv[1:])
        code = completed(lambda: app(prog_name="selftaught", standalone_mode=False))
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


def _check_texts(args: list[str]) -> None:
    """UsageError for an argument or a default from the environment that is no text: what it names could be neither kept nor
    sent."""
    told = [(f"argument {i}", text) for i, text in enumerate(args, 1)]
    told += [(name, text) for name, text in os.environ.items() if name.startswith(ENVIRONMENT)]
    for what, text in told:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{what} is no text in UTF-8: {text!r}") from None


def _name_shell(args: list[str]) -> None:
    """Take the shell that is named after an option of completion. Typer takes only the one that it finds by itself, or,
    told by a variable, only the one that is named. UsageError for one that it cannot complete in."""
    if len(args) != 2 or args[0] not in {"--install-completion", "--show-completion"}:
        return
    if args[1] not in _SHELLS:
        raise UsageError(f"there is no completion for {args[1]}: there is for {', '.join(_SHELLS)}")
    os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
