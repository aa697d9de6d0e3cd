"""Renews docs/documents.md from the typed dictionaries that make the documents: `python scripts/documents.py`.

What is said there of a document or of a key is the docstring below it in the source.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from selftaught.cli.experiments import ExperimentRow, PlainPlan
from selftaught.cli.lists import CheckRow, ImproverRow, ModelRow, TaskRow, TriedRow, WholeTask
from selftaught.cli.own import CandidateRow
from selftaught.cli.programs import Executed
from selftaught.cli.recordings import Exported, ExportedProgram
from selftaught.cli.runs import RunRow
from selftaught.cli.state import PlainStanding
from selftaught.cli.terminal import PlainProgram
from selftaught.cli.upkeep import Deleted, EndedRun, EventRow, PlainMerged, PlainPruned
from selftaught.evidence.circumvention import AuditDocument, AuditReached
from selftaught.evidence.contest import ContestDocument, ContestReached
from selftaught.evidence.experiment import ExperimentDocument, ExperimentReached
from selftaught.evidence.hacking import HackDocument, HackReached
from selftaught.evidence.lineage import Lineage
from selftaught.evidence.overspent import Overspending
from selftaught.evidence.own import OwnDocument, OwnReached
from selftaught.evidence.report import RunDocument, RunReached
from selftaught.lab.progress import Pulse
from selftaught.tasks.checking.findings import TaskCheckRow

PAGE = Path(__file__).parent.parent / "docs" / "documents.md"
ROOTS = (
    RunDocument,
    RunReached,
    ContestDocument,
    ContestReached,
    ExperimentDocument,
    ExperimentReached,
    AuditDocument,
    AuditReached,
    HackDocument,
    HackReached,
    Overspending,
    OwnDocument,
    OwnReached,
    CandidateRow,
    Lineage,
    Pulse,
    RunRow,
    PlainStanding,
    EventRow,
    EndedRun,
    Deleted,
    PlainPruned,
    PlainMerged,
    Exported,
    ExportedProgram,
    TaskRow,
    WholeTask,
    TaskCheckRow,
    ModelRow,
    TriedRow,
    ImproverRow,
    PlainProgram,
    CheckRow,
    Executed,
    ExperimentRow,
    PlainPlan,
)
HEAD = """# Documents

What `--json` prints and `report.json` holds, and what the store keeps of a run from its first second. Made from the source by
`make docs`: do not edit it. Scores are on the common scale: 0 is the start solution, 1 the best known one. A key that is
*optional* may be missing; later versions add keys and give none another meaning. `show --json` of a run that has not come to
its end adds the keys of [PlainStanding](#plainstanding) to its document.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(one) for one in reachable())])


def reachable() -> list[Any]:
    """The documents, then every shape that is found in them, in the order in which they are met."""
    found: list[Any] = list(ROOTS)
    for one in found:
        for hint in get_type_hints(one).values():
            found += [each for each in shapes(hint) if each not in found]
    return found


def shapes(hint: Any) -> Iterator[Any]:
    """The typed dictionaries inside a type."""
    if is_typeddict(hint):
        yield hint
    for inner in get_args(hint):
        yield from shapes(inner)


def section(shape: Any) -> str:
    """A shape: what it is, and a row for each key."""
    hints, said = get_type_hints(shape, include_extras=True), about(shape)
    rows = [f"| `{name}` | {named(hint)} | {said.get(name, '')} |" for name, hint in hints.items()]
    return "\n".join(
        [f"## {shape.__name__}\n", f"{flat(shape.__doc__)}\n", "| key | is | |", "|---|---|---|", *rows, ""]
    )


def about(shape: Any) -> dict[str, str]:
    """What the docstrings say of each key, inherited ones included."""
    found: dict[str, str] = {}
    body = ast.parse(dedent(inspect.getsource(shape))).body[0]
    assert isinstance(body, ast.ClassDef)
    for base in body.bases:  # at run time a typed dictionary knows its keys, not its bases
        inherited = getattr(sys.modules[shape.__module__], ast.unparse(base))
        found |= about(inherited) if is_typeddict(inherited) else {}
    for key, text in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(key, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(key.target)] = flat(str(text.value.value))
    return found


def flat(text: str) -> str:
    """A docstring as one line that may stand in a table."""
    return re.sub(r"\s+", " ", text.strip()).replace("|", "\\|")


_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "anything"}


def named(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return f"{named(inner[0])}, *optional*"
    if is_typeddict(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if hint in _PLAIN:
        return _PLAIN[hint]
    if not inner:
        raise TypeError(f"no words for {hint}")
    if all(isinstance(one, str) for one in inner):
        return ", ".join(f"`{one}`" for one in inner)
    if len(inner) == 2 and origin is not None and hasattr(origin, "keys"):
        return f"by {named(inner[0])}: {named(inner[1])}"
    if origin is not None and hasattr(origin, "__len__"):
        return f"list of {named(inner[0])}"
    return " or ".join(named(one) for one in inner)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python scripts/documents.py")
    PAGE.write_text(page(), encoding="utf-8")
