"""Plain data: what may cross the trust line, what facts are made of, and how it is digested."""

from __future__ import annotations

import errno
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

JSON: TypeAlias = "None | bool | int | float | str | Sequence[JSON] | Mapping[str, JSON]"
"""Plain data: what `json` writes and reads back unchanged."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: JSON) -> str:
    """The one text that stands for `value`: sorted keys, no spaces, no NaN (ValueError)."""
    return _CANONICAL.encode(value)


def faithful(value: Any) -> bool:
    """Whether JSON gives back what is made of lists, dicts and the like as it is: no tuples, only texts as keys."""
    if isinstance(value, list):
        return all(map(faithful, cast("list[Any]", value)))
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return all(isinstance(key, str) and faithful(one) for key, one in items)
    return not isinstance(value, tuple)


def as_json(value: Any) -> Any:
    """What JSON makes of it: tuples are lists, and the keys of dicts texts."""
    if isinstance(value, list | tuple):
        return [as_json(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {key if isinstance(key, str) else str(as_json(key)): as_json(one) for key, one in items}
    return value


def digest(value: JSON) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def digest_of_files(paths: Sequence[str]) -> dict[str, JSON]:
    """SHA-256 of each file by its name; empty for one that is not there."""
    return {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).is_file() else "" for path in paths}


def seed_from(*parts: JSON) -> int:
    """A 63-bit seed that depends on every part and on nothing else."""
    return int(digest(list(parts))[:16], 16) >> 1


def rng_from(*parts: JSON) -> random.Random:
    """A generator of random numbers seeded by `seed_from(*parts)`."""
    return random.Random(seed_from(*parts))


_SHELLS = Path("/dev/fd")
"""Where what a shell hands over as a file lies."""


def is_file(path: Path) -> bool:
    """Whether a file is there; of a name that no file can have, `Path` would raise."""
    try:
        return path.is_file()
    except OSError:
        return False


def open_file(path: Path) -> BinaryIO:
    """A user's file, to be read. OSError where it cannot be, and for a named pipe, at which one may wait for ever: not for a
    pipe that the shell has made."""
    if path.parent != _SHELLS and path.is_fifo():
        raise OSError(errno.EINVAL, "it is a pipe", str(path))
    return path.open("rb")


def read_bounded(path: Path, most: int) -> bytes | None:
    """The bytes of a file; None, unread, where it has more than `most`. OSError where it cannot be read.

    A device has no size, and no end.
    """
    with open_file(path) as file:
        found = file.read(most + 1)
    return None if len(found) > most else found


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    try:
        return path.is_dir()
    except OSError:
        return False


SEED_BITS = 53
"""A seed that is drawn has so many bits: any JSON reader keeps it exact, and nobody guesses it."""
GUESSES_PER_S = 2.0
"""Seeds that a guesser may try per CPU second, rather too high: one derivation of roots takes most of a second."""
_SLOW = {"n": 1 << 15, "r": 8, "p": 8, "maxmem": 1 << 26}


@dataclass(frozen=True)
class Roots:
    """Where the chance of a run comes from: one root per use, so that seeing one tells nothing of another.

    Generated programs see numbers that come from `guests`. Were they a plain hash of the seed, a program could try seeds
    until its own numbers come out, and draw the hidden instances for itself.
    """

    instances: str
    guests: str
    targets: str
    """Of tasks that are drawn, e.g. formulas."""
    streams: str
    """Of the model's answers."""


@lru_cache(maxsize=1024)
def roots(seed: int) -> Roots:
    """The roots of a seed, by a derivation that is slow on purpose (scrypt, most of a CPU second)."""
    size = 32
    found = hashlib.scrypt(str(seed).encode(), salt=b"selftaught roots", dklen=4 * size, **_SLOW).hex()
    return Roots(*(found[i : i + 2 * size] for i in range(0, len(found), 2 * size)))


def guessable(seed: int, cpu_s: float) -> float:
    """The chance that a program which tries seeds for `cpu_s` CPU seconds, smallest first, comes upon this one.

    The seed is taken for one of all those with as many bits.
    """
    return min(1.0, GUESSES_PER_S * cpu_s / 2 ** max(seed.bit_length(), 1))
