"""Noticing what code must not use where a seed is to decide: chance that others share, and clocks."""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_CLOCKS = {
    "time": {
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "process_time",
        "localtime",
    },
    "datetime": {"now", "utcnow", "today"},
    "posix": {"urandom", "getpid", "times"},
    "uuid": {"uuid1", "uuid4"},
}


@contextmanager
def watched(files: Collection[str]) -> Generator[list[str]]:
    """Calls within the block, by code of these files, of clocks; and use of Python's or numpy's global chance by any code.

    Filled at the end of the block, each name once. It works by Python's profiler, so the block is slower than otherwise.
    """
    found: list[str] = []
    seen = set[str]()
    before, numpys = random.getstate(), _numpys()

    def heard(frame: FrameType, event: str, what: Any) -> None:
        if event == "c_call" and (name := _clock(what)) and frame.f_code.co_filename in files:
            seen.add(name)

    sys.setprofile(heard)
    try:
        yield found
    finally:
        sys.setprofile(None)
        shared = random.getstate() != before
        shared_numpy = repr(_numpys()) != repr(numpys)
        found += [
            *(["the global `random`"] if shared else []),
            *(["the global `numpy.random`"] if shared_numpy else []),
        ]
        found += sorted(seen)


def _clock(what: Any) -> str:
    """The name of a clock, or of another source that no seed decides; empty for any other function."""
    name = getattr(what, "__name__", "")
    whose = getattr(what, "__self__", None)
    module = getattr(whose, "__module__", None) if isinstance(whose, type) else getattr(what, "__module__", "")
    return f"{module}.{name}" if name in _CLOCKS.get(str(module), ()) else ""


def _numpys() -> Any:
    """The state of numpy's global chance; None where numpy has not been imported."""
    numpy = sys.modules.get("numpy.random")
    return numpy.get_state(legacy=False)["state"] if numpy else None
