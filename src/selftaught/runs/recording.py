"""A recording: one run in one file, to be run again without network and key, and the reading of such files.

A file is lines of JSON, packed by xz: first the heading, then texts, then facts, last how many lines there were. It may come
from anywhere, so all of it is bounded and checked against its shape; what does not fit is one line, and nothing is taken in.
"""

from __future__ import annotations

import json
import lzma
import math
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, cast, get_args

from selftaught.errors import UsageError
from selftaught.models import Finish
from selftaught.plain import JSON, open_file
from selftaught.sandbox.reader import Unreadable, counted

FORMAT = 2
"""Version of the form of a file."""
MOST_BYTES = 64 * 2**20
"""Of a file when it is unpacked."""
MEMORY = 64 * 2**20
"""What unpacking may take."""
LINE = 8 * 2**20
"""Bytes of one line."""
MOST_LINES = 1_000_000
MOST_VALUES = 3_000_000
"""In all lines together: a few bytes of a file may become hundreds in memory."""
_PIECE = 1 << 20
_MAGIC = b"\xfd7zXZ\0"
"""What a file that xz has packed begins with."""
_NONE = "no recording: `selftaught export RUN --recording FILE` makes one"
_NUMBER = (int, float)
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Recorded:
    """One fact of a recording: of the kind `answer`, or one that the limit of time or memory of a machine has decided."""

    kind: str
    about: Mapping[str, JSON]
    body: Mapping[str, JSON]
    own: bool = True
    """Whether the recorded run bought it itself, of an answer."""


@dataclass(frozen=True)
class Recording:
    """All that a run needs to be run again."""

    heading: Mapping[str, Any]
    """What was asked, by which version, with which models, and what it cost."""
    texts: Sequence[str]
    """Those that facts and settings refer to by their digests; of questions there are none: they come up again."""
    facts: Sequence[Recorded]


def write(recording: Recording, path: Path) -> int:
    """Write a recording to a file; its size in bytes. UsageError where it cannot be written."""
    lines = [json.dumps(one, separators=(",", ":"), allow_nan=False) for one in _lines(recording)]
    lines.append(json.dumps({"end": len(lines)}))
    packed = lzma.compress("\n".join(lines).encode() + b"\n", preset=6)
    try:
        path.write_bytes(packed)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return len(packed)


def _lines(recording: Recording) -> Iterator[JSON]:
    yield {"selftaught recording": FORMAT, **recording.heading}
    for text in recording.texts:
        yield {"text": text} if _whole(text) else {"escaped": json.dumps(text)}
    for one in recording.facts:
        yield {"kind": one.kind, "about": one.about, "body": one.body, "own": one.own}


def _whole(text: str) -> bool:
    """Whether it is Unicode; models may make half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(path: Path) -> Recording:
    """The recording in a file. UsageError, in one line, for what is none, is damaged, or is none of this version."""
    try:
        with open_file(path) as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise UsageError(f"{path} is {_NONE}")
        return _read(_unpacked(path))
    except OSError as error:
        raise UsageError(f"cannot read the recording {path}: {error.strerror}") from error
    except (ValueError, lzma.LZMAError, EOFError, RecursionError, MemoryError, Unreadable) as error:
        raise UsageError(f"{path} is no whole recording: {str(error)[:200] or type(error).__name__}") from error


def _read(lines: Iterator[dict[str, Any]]) -> Recording:
    heading: dict[str, Any] = next(lines, dict[str, Any]())
    if "selftaught recording" not in heading:
        raise ValueError("it does not begin as one")
    if (version := heading.pop("selftaught recording")) != FORMAT:
        raise ValueError(f"it has version {version!r} of the form, and this selftaught reads version {FORMAT}")
    _fits(heading, _HEADING, "its heading")
    texts: list[str] = []
    facts: list[Recorded] = []
    last: dict[str, Any] = {}
    for count, line in enumerate(lines, 1):
        if last or count > MOST_LINES:
            raise ValueError("it is too long")
        if "end" in line:
            last = line
        elif "kind" in line:
            facts.append(_fact(line))
        else:
            texts.append(_text(line))
    if last != {"end": 1 + len(texts) + len(facts)}:
        raise ValueError("its end is missing")
    if not all(0 <= cast(int, one.body["text"]) < len(texts) for one in facts if one.kind == "answer"):
        raise ValueError("an answer has no text")
    return Recording(heading, texts, facts)


def _unpacked(path: Path) -> Generator[dict[str, Any]]:
    """The objects of a file, line by line."""
    values = 0
    for line in _split(_bytes(path)):
        found, count = counted(line)
        values += count
        if values > MOST_VALUES:
            raise Unreadable(f"it holds more than {MOST_VALUES:,} values")
        if not isinstance(found, dict):
            raise Unreadable("a line is no object")
        yield cast("dict[str, Any]", found)


def _bytes(path: Path) -> Generator[bytes]:
    """What a file unpacks to, piece by piece, never more than may be."""
    unpacker, size = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY), 0
    with open_file(path) as file:
        while not unpacker.eof:
            given = file.read(_PIECE) if unpacker.needs_input else b""
            if unpacker.needs_input and not given:
                raise ValueError("it is cut")
            piece = unpacker.decompress(given, _PIECE)
            size += len(piece)
            if size > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES >> 20} MiB")
            yield piece
        if unpacker.unused_data or file.read(1):
            raise ValueError("something follows its end")


def _split(pieces: Iterable[bytes]) -> Generator[bytes]:
    """Lines."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE:
            raise ValueError("a line is too long")
        yield from whole
    if rest:
        raise ValueError("its last line is cut")


def _text(line: Mapping[str, Any]) -> str:
    _fits(line, ({"text": str}, {"escaped": str}), "a text")
    text = line["text"] if "text" in line else json.loads(line["escaped"])
    _fits(text, str, "a text")
    return str(text)


def _fact(line: Mapping[str, Any]) -> Recorded:
    _fits(line, {"kind": frozenset(_SHAPES), "about": dict, "body": dict, "own": bool}, "a fact")
    for part, shape in zip(("about", "body"), _SHAPES[line["kind"]], strict=True):
        _fits(line[part], shape, f"the {part} of a fact of the kind {line['kind']}")
    return Recorded(line["kind"], line["about"], line["body"], line["own"])


# --- shapes -----------------------------------------------------------------------------------------------------------


def _fits(value: Any, shape: Any, what: str) -> None:
    """ValueError where a value is not of a shape: types, tuples of alternatives, [shape of all members], {name: shape}, where a
    name with a question mark may be missing; `...` is any plain data."""
    if not _is(value, shape):
        raise ValueError(f"{what} is not as it should be")


def _is(value: Any, shape: Any) -> bool:
    if shape is ...:
        return True
    if isinstance(shape, tuple):
        return any(_is(value, one) for one in cast("tuple[Any, ...]", shape))
    if isinstance(shape, list):
        return isinstance(value, list) and all(_is(one, shape[0]) for one in cast("list[Any]", value))
    if isinstance(shape, dict):
        return isinstance(value, dict) and _members(cast("dict[str, Any]", value), cast("dict[str, Any]", shape))
    if isinstance(shape, frozenset):
        return isinstance(value, str) and value in shape
    if shape is _DIGEST:
        return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
    if isinstance(value, bool):
        return shape is bool
    if isinstance(shape, _To):
        return isinstance(value, int if shape.whole else int | float) and 0 <= value <= shape.most
    return isinstance(value, shape) and not (isinstance(value, float) and not math.isfinite(value))


def _members(value: dict[str, Any], shape: dict[str, Any]) -> bool:
    if "*" in shape:
        return all(_is(one, shape["*"]) for one in value.values())
    needed = {name for name in shape if not name.endswith("?")}
    optional = {name.removesuffix("?"): one for name, one in shape.items() if name.endswith("?")}
    if needed - value.keys() or value.keys() - needed - optional.keys():
        return False
    return all(_is(one, shape[name] if name in needed else optional[name]) for name, one in value.items())


@dataclass(frozen=True)
class _To:
    """The shape of a number from 0 to this one."""

    most: float
    whole: bool = False


_COUNT, _AMOUNT = _To(2**53, whole=True), _To(1e9)
_DOLLARS = (_AMOUNT, NoneType)
_COUNTS = {"*": _COUNT}
_DENIED = {"calls": (_COUNTS, NoneType), "noted": [{"event": str, "what": str, "line": _COUNT}]}
_USAGE = {
    **dict.fromkeys(("calls", "responses", "scorings", "tokens_in", "tokens_out"), _COUNT),
    "dollars": _DOLLARS,
    "refused": _COUNTS,
    "ignored": _COUNTS,
}
_MODEL = {"model": str, "parameters": dict}
_HEADING = {
    "run": _COUNT,
    "settings": dict,
    "contract": _COUNT,
    "selftaught": str,
    "circumstances": dict,
    "started": str,
    "ended": (str, NoneType),
    "spent": {"dollars": _DOLLARS, "answers": _COUNT, "tokens": _COUNT},
    "dollars_limited": bool,
    "anyway": bool,
    "plan": (str, NoneType),
    "earlier_looks": [str],
    "figures": {"*": str},
    "models": [{**_MODEL, "does": str, "answers": _COUNT, "tokens_in": _COUNT, "tokens_out": _COUNT}],
}
_SHAPES: Mapping[str, tuple[Any, Any]] = {
    "answer": (
        {
            **_MODEL,
            "expertise": _DIGEST,
            "message": _DIGEST,
            "temperature": _NUMBER,
            "stream": [...],
            "index": _COUNT,
            "contract": _COUNT,
        },
        {
            "text": _COUNT,
            "finish": frozenset(get_args(Finish)),
            "tokens_in": _COUNT,
            "tokens_out": _COUNT,
            "dollars": _DOLLARS,
            "latency_s": _AMOUNT,
            "temperature_applied": (*_NUMBER, NoneType),
            "reason?": str,
        },
    ),
    "score": (
        {"program": _DIGEST, "utility": ..., "contract": _COUNT, "again?": _COUNT},
        {
            "value": (*_NUMBER, NoneType),
            "reason": (str, NoneType),
            "grades": [_NUMBER],
            "failures": _COUNT,
            "notes": [str],
            "denied": _DENIED,
            "limited?": _COUNT,
            "measured?": bool,
            "cpu_s?": [_NUMBER],
            "metrics?": {"*": _NUMBER},
        },
    ),
    "improvement": (
        {
            **_MODEL,
            "improver": _DIGEST,
            "start": _DIGEST,
            "utility": ...,
            "stream": [...],
            "allowance": dict,
            "contract": _COUNT,
            "inside?": list,
        },
        {
            "program": (_DIGEST, NoneType),
            "reason": (str, NoneType),
            "usage": _USAGE,
            "shown": (*_NUMBER, NoneType),
            "scored": [{"program": _DIGEST, "value": (*_NUMBER, NoneType), "times": _COUNT}],
            "kept": [_DIGEST],
            "missed": (*_NUMBER, NoneType),
            "denied": _DENIED,
            "faults?": _COUNTS,
        },
    ),
}
"""By kind, what `about` and `body` of its facts hold."""
