"""Reads what a guest left behind. All of it is untrusted: capped, strictly decoded, checked, never unpickled."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import struct
from typing import Any, NoReturn, cast

from selftaught.plain import JSON
from selftaught.sandbox import Attempt, Attempts, Limits, Outcome, OutcomeKind
from selftaught.sandbox.guest import wire
from selftaught.sandbox.syscalls import FOREIGN, syscall

MAX_NODES = 100_000
MAX_DEPTH = 32
_MAX_ERROR = 8000
_MARKS = (b",", b"[", b"{", b":")
_SIGNALS = {int(number): number.name for number in signal.Signals}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Unreadable(Exception):
    """These bytes are not plain data within the limits; says why in a few words."""


def _no_number(name: str) -> NoReturn:
    raise Unreadable(f"{name} is no number")


def plain(data: bytes) -> Any:
    """The plain data in strict UTF-8 JSON, at most MAX_NODES values, MAX_DEPTH deep, no NaN; raises Unreadable."""
    return counted(data)[0]


def counted(data: bytes) -> tuple[Any, int]:
    """The same, with how many values it holds."""
    _weigh(data)
    try:
        value = json.loads(data.decode(), parse_constant=_no_number)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}"[:200]) from None
    return value, _check(value)


def _weigh(data: bytes) -> None:
    """Refuse what would be too many values before it is parsed: a few bytes of JSON may become hundreds in memory.

    Each of these marks stands for at least one value, or two quotes for one, unless it is part of a text.
    """
    if sum(map(data.count, _MARKS)) <= MAX_NODES:
        return
    bare = data.replace(rb"\\", b"").replace(rb"\"", b"")
    if bare.count(b'"') <= 2 * MAX_NODES:
        bare = b"".join(bare.split(b'"')[::2])
        if max(map(bare.count, _MARKS)) <= MAX_NODES:
            return
    raise Unreadable(f"more than {MAX_NODES:,} values")


def _check(value: Any) -> int:
    """How many values it holds, itself and keys included."""
    level, nodes, depth = [value], 1, 0
    while level:
        below: list[Any] = []
        for item, kind in zip(level, map(type, level), strict=True):
            if kind is list:
                below += item
            elif kind is dict:
                below += item
                below += item.values()
            elif kind is float:
                if not math.isfinite(item):
                    raise Unreadable("a number that is not finite")
            elif kind is str and not item.isascii():
                _encodable(item)
        level, nodes, depth = below, nodes + len(below), depth + 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_NODES:,} values or {MAX_DEPTH} levels")
    return nodes


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("a text that is no Unicode") from None


def outcomes(results: int, n: int, peak_kb: int, limits: Limits, exact: bool = False) -> tuple[Outcome, ...]:
    """The outcomes of a job's `n` inputs, from the file of results; `exact`: answers hold marks (see `wire.marked`)."""
    at, found = wire.RECORD.size * n, list[Outcome]()
    for record in wire.RECORD.iter_unpack(os.pread(results, at, 0)):
        ending, status, cpu_ns, wall_ns, size, kept, counts, noted = record
        notes = os.pread(results, noted, at) if noted else b""
        at += noted
        data = os.pread(results, size, at) if size else b""
        kind, answer, error = _verdict(ending, status, data, limits)
        if exact and kind == "answer":
            kind, answer, error = _revived(answer)
        printed = _tidy(os.pread(results, kept, at + size)) if kept else ""
        at += size + kept
        pairs = os.pread(results, max(counts, 0) * wire.REFUSED.size, at) if counts > 0 else b""
        at += len(pairs)
        denied = Attempts(_counts(pairs, ending, status) if counts >= 0 else None, _notes(notes))
        found.append(Outcome(kind, answer, error, printed, cpu_ns / 1e9, wall_ns / 1e9, peak_kb / 1024, denied))
    if len(found) != n:
        raise Unreadable("the zygote kept too few records")
    return tuple(found)


def _counts(pairs: bytes, ending: int, status: int) -> dict[str, int]:
    """How often which call was refused, by name."""
    counts = {syscall(number): times for number, times in wire.REFUSED.iter_unpack(pairs)}
    if ending == wire.ENDED and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS:
        counts[FOREIGN] = 1
    return dict(sorted(counts.items()))


def _notes(data: bytes) -> tuple[Attempt, ...]:
    """What was noted within; forged lines are left out."""
    found: list[Attempt] = []
    for line in data.splitlines()[: wire.MOST_NOTES]:
        try:
            note = plain(line)
        except Unreadable:
            continue
        match note:
            case [str(event), str(what), int(number)] if type(number) is int and 0 <= number < 1 << 31:
                found.append(Attempt(event[:80], _ADDRESS.sub(" at 0x…", what[: wire.LONGEST_NOTE]), number))
            case _:
                pass
    return tuple(found)


def _tidy(data: bytes) -> str:
    """As text, without the addresses of objects, which differ from run to run."""
    return _ADDRESS.sub(" at 0x…", data.decode("utf-8", "replace"))


def _verdict(ending: int, status: int, data: bytes, limits: Limits) -> tuple[OutcomeKind, JSON, str]:
    if ending == wire.ANSWERED:
        return _answer(data)
    if ending == wire.ENDED:
        return _death(status)
    reasons: dict[int, tuple[OutcomeKind, str]] = {
        wire.OUT_OF_CPU: ("time", f"used more than {limits.cpu_s:g} s of CPU time"),
        wire.OUT_OF_TIME: ("time", f"took longer than {wall_s(limits):g} s by the clock"),
        wire.TOO_LARGE: ("output", f"all answers together are larger than {wire.TOTAL_ANSWERS * limits.answer_kb} KiB"),
        wire.FORGED: ("error", "the answer is no plain data: a forged message"),
        wire.FLOODED: ("output", f"printed more than {wire.TOTAL_OUTPUT * limits.output_kb} KiB"),
        wire.STOPPED: ("killed", "stopped by the host"),
    }
    kind, reason = reasons[ending]
    return kind, None, reason


def wall_s(limits: Limits) -> float:
    """The wall limit in seconds."""
    return 10 * limits.cpu_s + 5 if limits.wall_s is None else limits.wall_s


def _answer(data: bytes) -> tuple[OutcomeKind, JSON, str]:
    try:
        message = _with_arrays(data) if data[:1] == b"\0" else plain(data)
    except Unreadable as error:
        return "error", None, f"the answer is no plain data: {error}"
    match message:
        case ["answer", value]:
            return "answer", value, ""
        case ["error" | "defect" | "memory" | "output" as kind, str(text)]:
            return kind, None, _ADDRESS.sub(" at 0x…", text[:_MAX_ERROR])
        case _:
            return "error", None, "the answer is no plain data: a forged message"


def _with_arrays(data: bytes) -> Any:
    """Plain data with arrays of numpy (see `wire.ARRAY`) as nested lists; raises Unreadable."""
    stream = io.BytesIO(data[1:])
    size = int.from_bytes(stream.read(wire.SIZE.size), "little")
    value = _placed(plain(stream.read(size)), stream)
    if stream.read(1):
        raise Unreadable("more bytes than its arrays have")
    _check(value)
    return value


def _placed(value: Any, stream: io.BytesIO) -> Any:
    match value:
        case {wire.ARRAY: [str(dtype), shape], **others} if not others:
            return _array(dtype, shape, stream)
        case list():
            return [_placed(item, stream) for item in cast("list[Any]", value)]
        case dict():
            return {key: _placed(item, stream) for key, item in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _array(dtype: str, shape: Any, stream: io.BytesIO) -> Any:
    """The next array of the stream, each byte of which is used once."""
    form = wire.DTYPES.get(dtype)
    sides = cast("list[Any]", shape) if type(shape) is list else []
    if form is None or not 0 < len(sides) <= MAX_DEPTH or not all(type(n) is int and n > 0 for n in sides):
        raise Unreadable("an array of an unknown kind")
    count = math.prod(sides)
    if count > MAX_NODES:
        raise Unreadable(f"an array of more than {MAX_NODES:,} values")
    data = stream.read(count * struct.calcsize(form))
    if len(data) != count * struct.calcsize(form):
        raise Unreadable("an array without all its bytes")
    view: Any = memoryview(data)
    return view.cast(form, sides).tolist()


def _revived(answer: JSON) -> tuple[OutcomeKind, JSON, str]:
    """An answer with its tuples and keys, which a guest may have forged."""
    try:
        return "answer", wire.revived(answer), ""
    except (TypeError, ValueError) as error:
        return "error", None, f"the answer is no plain data: {error}"[:200]


def _death(status: int) -> tuple[OutcomeKind, JSON, str]:
    if not os.WIFSIGNALED(status):
        return "error", None, f"ended itself without an answer (exit status {os.WEXITSTATUS(status)})"
    number = os.WTERMSIG(status)
    if number == signal.SIGSYS:
        return "killed", None, "killed by the system call filter"
    if number == signal.SIGKILL:
        return "killed", None, "gave up its answers, or was killed by the kernel"
    return "killed", None, f"killed by signal {_SIGNALS.get(number, number)}"
