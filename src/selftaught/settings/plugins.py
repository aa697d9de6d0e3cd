"""What other installed packages add, by entry points: tasks, models and sandboxes.

A name is found without importing anything; what it names is imported when it is asked for, or its list is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from selftaught.errors import SelftaughtError, UsageError

Group = Literal["tasks", "models", "sandboxes"]
_ONE = {"tasks": "task", "models": "model", "sandboxes": "sandbox level"}


@dataclass(frozen=True)
class Plugin:
    """One thing that a package adds."""

    group: Group
    name: str
    package: str
    """The package with its version."""
    entry: EntryPoint
    rivals: tuple[str, ...] = ()
    """Other packages that give something else the same name."""

    @property
    def said(self) -> str:
        """What it is, in words."""
        return f"the {_ONE[self.group]} {self.name} of the package {self.package}"

    def load(self) -> Any:
        """What the package says it is; its module is imported now. UsageError, in one line, for whatever that raises."""
        if self.rivals:
            raise UsageError(f"{self.said} has a name that {' and '.join(self.rivals)} gives as well: uninstall one")
        try:
            with redirect_stdout(sys.stderr):  # what is printed on import breaks no document
                return self.entry.load()
        except (Exception, SystemExit) as error:
            raise self.broken(error) from error

    def opener(self) -> Callable[[Any], Any]:
        """What opens a model or a sandbox of it. UsageError, in one line, where that cannot be called."""
        found = self.load()
        if not callable(found):
            raise self.broken(f"what opens it is {type(found).__name__} and cannot be called")
        return found

    def opened(self, given: Any, parts: Sequence[str]) -> Any:
        """What it makes of what it is given, which has these parts. UsageError, in one line, where it does not."""
        opening = self.opener()
        try:
            found = opening(given)
        except SelftaughtError:
            raise
        except Exception as error:
            raise self.broken(error) from error
        if missing := [one for one in parts if not hasattr(found, one)]:
            raise self.broken(f"what it opens lacks {', '.join(missing)}")
        return found

    def broken(self, error: BaseException | str) -> UsageError:
        """The one line on something in it that does not work."""
        said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        return UsageError(f"{self.said} is broken: {' '.join(said.split())}; mend it, or uninstall the package")


@cache
def plugins(group: Group) -> dict[str, Plugin]:
    """What installed packages add of a kind, by name, in order of the names."""
    found: dict[str, Plugin] = {}
    for entry in sorted(entry_points(group=f"selftaught.{group}"), key=lambda one: one.name):
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
        before = found.get(entry.name)
        if before is None:
            found[entry.name] = Plugin(group, entry.name, package, entry)
        elif before.package != package:
            found[entry.name] = Plugin(group, entry.name, before.package, before.entry, (*before.rivals, package))
    return found
