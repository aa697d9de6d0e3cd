"""The improvers in the box: texts in the paper's interface, shown and run in the sandbox, never imported."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.improver import ENTRY
from selftaught.program import Program, defect


def names() -> list[str]:
    """The names of the improvers in the box, sorted."""
    folder = resources.files(__name__) / "programs"
    return sorted(file.name.removesuffix(".py") for file in folder.iterdir() if file.name.endswith(".py"))


def load(name_or_path: str) -> Program:
    """The improver of that name in the box or, where there is none, in that file; UsageError when it is no improver."""
    if name_or_path in names():
        return Program((resources.files(__name__) / "programs" / f"{name_or_path}.py").read_text(encoding="utf-8"))
    return _from_file(Path(name_or_path))


def _from_file(path: Path) -> Program:
    if not path.is_file():
        raise UsageError(f"no improver and no file {str(path)!r}: give a file, or one of {', '.join(names())}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the improver {path}: {error}") from error
    if why := defect(text, ENTRY):
        raise UsageError(f"{path} is no improver: {why}")
    return Program(text)
