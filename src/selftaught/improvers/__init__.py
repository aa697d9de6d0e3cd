"""The improvers in the box: texts in the paper's interface, shown and run in the sandbox, never imported."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.program import MAX_CHARS, Program


def names() -> list[str]:
    """The names of the improvers in the box, sorted."""
    folder = resources.files(__name__) / "programs"
    return sorted(file.name.removesuffix(".py") for file in folder.iterdir() if file.name.endswith(".py"))


def load(name_or_path: str) -> Program:
    """The improver of that name in the box or, where there is none, in that file; UsageError when it cannot be read.

    Whether it is an improver is seen in the sandbox, when it is tried.
    """
    if name_or_path in names():
        return Program((resources.files(__name__) / "programs" / f"{name_or_path}.py").read_text(encoding="utf-8"))
    return _from_file(Path(name_or_path))


def _from_file(path: Path) -> Program:
    if not path.is_file():
        raise UsageError(f"no improver and no file {str(path)!r}: give a file, or one of {', '.join(names())}")
    try:
        if path.stat().st_size > 4 * MAX_CHARS:
            raise UsageError(f"{path} is no improver: longer than {MAX_CHARS:,} characters")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the improver {path}: {error}") from error
    return Program(text)
