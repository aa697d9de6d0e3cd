"""Files of the user's as modules, and what they are made of: modules beside them, and data read while they were imported."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

from selftaught.errors import SelftaughtError, UsageError, said_by
from selftaught.lab.prints import aside
from selftaught.lab.reads import heeding, imported, listen, users
from selftaught.plain import is_file

_RUNNING: set[str] = set()
"""Files that are being run at this moment, by the names of their modules."""
_BESIDE: dict[str, ModuleType] = {}
"""Modules that files which were run have imported from beside them, by name."""
_READ: dict[Path, tuple[str, ...]] = {}
"""What each file that was run has read, besides itself."""


def sources(path: Path) -> tuple[str, ...]:
    """What a file that was run has read on import, besides itself: modules beside it and data, in order of their names."""
    return _READ.get(path.resolve(), ())


def run(path: Path) -> ModuleType:
    """The file as a module. It is the user's own code, so whatever it raises is told to the user in one line.

    What lies beside it can be imported by it, as when Python runs it.
    """
    name = "selftaught_task_" + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    found = util.spec_from_file_location(name, path)
    if found is None or found.loader is None or not is_file(path):
        raise UsageError(f"cannot read the task file {path}: give a Python file")
    if name in _RUNNING:
        raise UsageError(
            f'{path} runs while its task is being read from it: put what it runs below `if __name__ == "__main__":`'
        )
    module = util.module_from_spec(found)
    # A class finds its source, which is part of every key, through the table of modules.
    sys.modules[name] = module
    _RUNNING.add(name)
    try:
        _execute(path.resolve(), found.loader, module)
    except SelftaughtError:
        raise
    except (Exception, SystemExit) as error:  # whatever a file of the user's raises is the user's to mend
        raise UsageError(f"cannot run the task file {path}: {type(error).__name__}: {said_by(error)}") from error
    finally:
        _RUNNING.discard(name)
    return module


def _execute(path: Path, loader: Any, module: ModuleType) -> None:
    """Run the file, with its folder first among those that modules come from, and note what it reads."""
    folder = path.parent
    hidden = {name: one for name, one in [*sys.modules.items()] if _beside(one, folder) and not _ours(name)}
    for name in [*hidden, *_BESIDE]:  # of this folder: to be read again; of another one: not those that are meant
        sys.modules.pop(name, None)
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    listen()
    try:
        with aside(), heeding() as heard:
            loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
        _BESIDE.clear()
        _BESIDE.update(
            (name, sys.modules[name]) for name in {*sys.modules} - before if _beside(sys.modules[name], folder)
        )
        sys.modules.update(hidden)
    imported(os.path.realpath(path), heard.bases)
    read = heard.read | {os.path.realpath(str(one.__file__)) for one in _BESIDE.values()}
    code = (".py", ".pyc", ".so")
    whose = [
        one for one in read if not one.endswith(code) or (one.endswith(".py") and Path(one).is_relative_to(folder))
    ]
    _READ[path] = tuple(sorted(one for one in whose if one != str(path)))


def _beside(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return bool(file) and users(str(file)) and Path(os.path.realpath(str(file))).is_relative_to(folder)


def _ours(name: str) -> bool:
    """Whether a module is the program itself, or was made here."""
    return name == "__main__" or name.split(".", maxsplit=1)[0].startswith("selftaught")
