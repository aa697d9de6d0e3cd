"""Where the better program of a run goes: beside the one that it was made from, which stays as it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftaught.cli.terminal import tell
from selftaught.errors import UsageError

if TYPE_CHECKING:
    from selftaught.store import RunRecord


def hand_out(document: Mapping[str, Any], source: Path, output: Path | None = None) -> None:
    """Write the better program, where a run came to one, to a file that is not there yet or holds just this, and say where it
    is: as wanted, or beside the program."""
    if document.get("better"):
        path = output if output and _free(output, document) else _beside(source, document, int(document["run"]))
        _write(path, document, source)
        tell(f"the better program is in {path}; {source} is as it was")


def wanted_in(record: RunRecord) -> Path | None:
    """Where `improve -o` was to write the better program of a run; None where that was not said."""
    wanted = record.circumstances.get("output")
    return Path(wanted) if isinstance(wanted, str) else None


def _beside(source: Path, document: Mapping[str, Any], number: int) -> Path:
    """A name beside the program that is free, or that already holds just this."""
    here = source.resolve() if source.name in {"", ".."} else source
    further = (f"-{number}-{n}" for n in count(2))
    paths = (here.with_name(f"{here.stem}.better{more}{here.suffix}") for more in chain(["", f"-{number}"], further))
    return next(one for one in paths if _free(one, document))


def _free(path: Path, document: Mapping[str, Any]) -> bool:
    """Whether nothing is there that would be lost."""
    return not path.exists() or _holds(path, document)


def _holds(path: Path, document: Mapping[str, Any]) -> bool:
    """Whether a file, or all changed files of a folder, are what was found."""
    texts = {path / name: text for name, text in document.get("files", {}).items()} or {path: document["program"]}
    return all(one.is_file() and one.read_bytes() == text.encode() for one, text in texts.items())


def _write(path: Path, document: Mapping[str, Any], source: Path) -> None:
    """The better file; of a folder a copy with the files that were changed."""
    try:
        if "files" in document and not path.exists():
            shutil.copytree(source, path, symlinks=True, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        texts = {path / name: text for name, text in document.get("files", {}).items()} or {path: document["program"]}
        for one, text in texts.items():
            one.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; the program is in the store all the same") from error
