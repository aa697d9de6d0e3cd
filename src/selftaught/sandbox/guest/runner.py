"""The untrusted side of a job: runs in the locked child, reads the program and its inputs, writes answers.

Nothing here is believed by anybody: a program can rewrite all of it. It only makes honest programs comfortable.
"""

from __future__ import annotations

import _random
import json
import os
import random
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import wire
from hook import WRITING, Hook
from programs import defect

INPUTS, ANSWERS, CALLS = 3, 4, 5
_FILE = "program.py"
_MAX_MESSAGE, _MAX_FRAMES = 2000, 12
_FRAME = len('["answer",]')

_chance = _random.Random(0)


def seed(value: int) -> None:
    """Set every generator of random numbers a program may reach, also those it makes itself without a seed."""
    _chance.seed(value)
    random.seed(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(value & 0xFFFFFFFF)


def tame_chance() -> None:
    """Let every source of chance draw from the job's seed: `Random()`, `default_rng()`, `os.urandom`, `secrets`."""
    plain_seed = random.Random.seed

    def reseed(self: random.Random, a: Any = None, version: int = 2) -> None:
        plain_seed(self, _chance.getrandbits(64) if a is None else a, version)

    def urandom(size: int, /) -> bytes:
        return _chance.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    def getrandom(size: int, flags: int = 0) -> bytes:  # noqa: ARG001 - the function it stands for
        return urandom(size)

    os.getrandom = getrandom
    random.Random.seed = reseed
    random.seed = random._inst.seed  # type: ignore[attr-defined]
    os.urandom = random._urandom = urandom  # type: ignore[attr-defined]


_arrays: list[bytes] = []
"""Of the message that is being encoded."""


def _as_plain(value: Any) -> Any:
    """Numbers of numpy as plain data; arrays as what stands for them, their bytes put aside."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        if not value.size or not value.shape or value.dtype.name not in wire.DTYPES or not value.dtype.isnative:
            plain = value.tolist()
            if type(plain).__module__ == "numpy":
                raise TypeError(f"the answer is no plain data: {value.dtype}")
            return plain
        _arrays.append(value.tobytes())
        return {wire.ARRAY: [value.dtype.name, value.shape]}
    raise TypeError(f"the answer is no plain data: {type(value).__name__}")


_encode = json.JSONEncoder(default=_as_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


def _read(size: int) -> bytes:
    pieces: list[bytes] = []
    while size:
        pieces.append(os.read(INPUTS, size))
        if not pieces[-1]:
            os._exit(0)
        size -= len(pieces[-1])
    return b"".join(pieces)


def _receive() -> Any:
    return _decode(_read(int.from_bytes(_read(4), "little")).decode("utf-8", "surrogatepass"))


def _send(data: bytes) -> None:
    data = len(data).to_bytes(4, "little") + data
    with WRITING:
        while data:
            data = data[os.write(ANSWERS, data) :]


class _Source:
    """Lets tracebacks and `inspect.getsource` find the program's text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, name: str) -> str:  # noqa: ARG002 - the protocol of loaders
        return self.text


def _load(text: str, entry: str) -> Callable[..., Any]:
    module = types.ModuleType("program")
    module.__loader__ = _Source(text)  # type: ignore[assignment]
    sys.modules["program"] = module
    exec(compile(text, _FILE, "exec", dont_inherit=True), module.__dict__)
    function = module.__dict__.get(entry)
    if not callable(function):
        raise NameError(f"the program defines no function {entry}")
    return function


def _loaded(text: str, entry: str, lines: list[str]) -> tuple[str, Any]:
    """The program's function, or what became of the text instead: it may be no program at all."""
    state, wrong = _attempt(lambda: defect(text, entry), lines)
    if state == "answer" and wrong is None:
        return _attempt(lambda: _load(text, entry), lines)
    return ("defect", wrong) if state == "answer" else (state, wrong)


def _trace(error: BaseException, lines: list[str]) -> str:
    """The last line of the trace, then the places within the program, outermost first."""
    text = f"{type(error).__name__}: {error}"[:_MAX_MESSAGE]
    places: list[str] = []
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        if code.co_filename == _FILE:
            line = lines[frame.tb_lineno - 1].strip() if 0 < frame.tb_lineno <= len(lines) else ""
            places.append(f"  line {frame.tb_lineno}, in {code.co_name}: {line}")
        frame = frame.tb_next
    return "\n".join([text, *places[-_MAX_FRAMES:]])


def _attempt(work: Callable[[], Any], lines: list[str]) -> tuple[str, Any]:
    """What became of one piece of the program's work; no failure of it may end the runner."""
    try:
        return "answer", work()
    except MemoryError:
        return "memory", "out of memory"
    except BaseException as error:  # noqa: BLE001 - the program's failure, whatever it is, is its outcome
        try:
            return "error", _trace(error, lines)
        except BaseException:  # noqa: BLE001 - an error may fail to show itself
            return "error", "an error that cannot be shown"


def _message(kind: str, value: Any) -> bytes:
    sys.stdout.flush()
    _arrays.clear()
    text = _encode([kind, value]).encode()
    return b"".join([b"\0", wire.SIZE.pack(len(text)), text, *_arrays]) if _arrays else text


def _answer(kind: str, value: Any, limit: int) -> None:
    """Send an answer, or why it cannot be sent."""
    state, data = _attempt(lambda: _message(kind, value), [])
    if state != "answer":
        data = _encode([state, data]).encode("utf-8", "replace")
    elif len(data) > limit + _FRAME:
        data = _encode(["output", f"the answer is larger than {limit // 1024} KiB"]).encode()
    _send(data)


def _input(exact: bool) -> tuple[int, list[Any]]:
    """The next input: its seed and the arguments; `exact`: marks in them stand for tuples and the keys of dicts."""
    value, arguments = _receive()
    return value, [wire.revived(one) for one in arguments] if exact else arguments


def _first() -> tuple[dict[str, Any], tuple[int, list[Any]]]:
    """The job and its first input, read before anything of the program's runs; the clocks start after it."""
    try:
        job = _receive()
        given = _input("exact" in job)
    except MemoryError:
        _ready()
        _answer("memory", "out of memory: its input is too large", _MAX_MESSAGE)
        os._exit(0)
    _ready()
    return job, given


def _ready() -> None:
    os.write(ANSWERS, wire.READY.pack(time.process_time_ns(), time.monotonic_ns()))


def _faithful(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with an answer that keeps tuples and the keys of dicts."""
    return lambda *arguments: wire.marked(function(*arguments))


def warm_up() -> None:
    """Do once what every job does, so that what Python sets up at first use is set up before the fork."""
    program = "import math\ndef f(x):\n    return [y + 1.5 for y in x]\n"
    seed(0)
    _message(*_attempt(lambda: _load(program, "f")(_decode("[1, 2.5]")), []))
    _loaded("raise ValueError\nf = 1", "f", ["", ""])
    sys.modules.pop("program")


def serve(objects: Callable[[Any], list[Any]], hook: Hook) -> None:
    """Load the program, then answer inputs one by one until there are no more. `objects` makes the arguments."""
    job, given = _first()
    hook.begin()
    text = job["program"].removeprefix("\ufeff")
    lines = text.splitlines()
    seed(job["seed"])
    state, function = _loaded(text, job["entry"], lines)
    if state == "answer" and "exact" in job:
        function = _faithful(function)
    while True:
        value, arguments = given
        hook.begin()
        if state == "answer":
            seed(value)
            _answer(*_attempt(lambda arguments=arguments: function(*objects(arguments)), lines), job["limit"])
        else:
            _answer(state, function, job["limit"])
        given = _input("exact" in job)
