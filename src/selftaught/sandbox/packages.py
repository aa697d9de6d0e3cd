"""Packages of the running environment that a program may import: found by name, with what they need, for the jail."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from selftaught.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ALWAYS = "numpy"
"""Is in every jail."""


@cache
def folders(names: tuple[str, ...]) -> tuple[Path, ...]:
    """Files and folders at the top of site-packages that these packages and what they need consist of.

    UsageError for one that is not installed here, or that is built in place and so has no files of its own.
    """
    found = dict.fromkeys(path for one in _closure(names) for path in _tops(one))
    return tuple(found)


def versions(names: Sequence[str]) -> dict[str, str]:
    """The version of each package and of all that it needs: another version is another task."""
    return {normal(one.metadata["Name"]): one.version for one in _closure(tuple(names))}


def installed(name: str) -> bool:
    """Whether a package is installed here."""
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def providers(module: str) -> list[str]:
    """The installed packages that a module at the top comes from; none where it is not installed."""
    return sorted({normal(one) for one in _modules().get(module, ())})


@cache
def _modules() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _closure(names: tuple[str, ...]) -> tuple[Distribution, ...]:
    """The packages and all that they need which is installed, by name."""
    found: dict[str, Distribution] = {}
    wanted = [*names]
    while wanted:
        name = normal(wanted.pop())
        if name in found or name == _ALWAYS:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            if name in map(normal, names):
                raise UsageError(
                    f"there is no package {name} in the environment of this program ({sys.prefix}): install it there"
                ) from None
            continue  # needed on other systems, or only for extras
        wanted += _needs(found[name])
    return tuple(found[name] for name in sorted(found))


def _needs(one: Distribution) -> Iterator[str]:
    for line in one.requires or ():
        if (name := _NAME.match(line)) and "extra ==" not in line:
            yield name.group()


def _tops(one: Distribution) -> Iterator[Path]:
    home = Path(str(one.locate_file("")))
    tops = {file.parts[0] for file in one.files or () if not file.is_absolute() and file.parts[0] != ".."}
    there = [home / name for name in sorted(tops) if not name.endswith(".pth") and name != "__pycache__"]
    if not any(path.suffix in {"", ".py", ".so"} and path.exists() for path in there):
        raise UsageError(f"the package {one.metadata['Name']} has no files of its own: install it, not in place")
    yield from (path for path in there if path.exists())


def normal(name: str) -> str:
    """The name of a package as all ways of writing it have in common."""
    return re.sub(r"[-_.]+", "-", name).lower()
