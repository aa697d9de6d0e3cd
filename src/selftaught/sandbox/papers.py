"""What a job is handed over in: files in memory, and the frames of its program and inputs, made once for many programs."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence

from selftaught.plain import JSON
from selftaught.sandbox import Job
from selftaught.sandbox.guest import wire

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_MOST, _MOST_BYTES = 128, 1 << 17
"""As many inputs of as many bytes are remembered."""


class Papers:
    """The three files of a job, in memory: payload (sealed), results, output."""

    def __init__(self, job: Job, frames: Frames) -> None:
        program = _frame({"program": job.program, "entry": job.entry, "seed": job.seeds[0], **_caps(job)})
        parts = [program, *frames.of(job)]
        index = b"".join(wire.SIZE.pack(len(frame)) for frame in parts)
        self.payload = os.memfd_create("payload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.writev(self.payload, [index, b"".join(parts)])
        fcntl.fcntl(self.payload, fcntl.F_ADD_SEALS, _SEALS)
        self.results = os.memfd_create("results")
        self.output = os.memfd_create("output")

    def __enter__(self) -> tuple[int, int, int]:
        return self.payload, self.results, self.output

    def __exit__(self, *_: object) -> None:
        for fd in (self.payload, self.results, self.output):
            os.close(fd)


class Frames:
    """The inputs of jobs as bytes. Many functions are run on the same ones, so the last that are not large are remembered: to
    write LPN's anew for each took five times as long as all else that the host does for a scoring. Safe from many threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[_Same, tuple[int, ...], bool], Sequence[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, job: Job) -> Sequence[bytes]:
        """A frame for each input of a job."""
        key = _Same(job.inputs), job.seeds, job.exact
        with self._lock:
            found = self._made.get(key)
            if found is not None:
                self._made.move_to_end(key)
                return found
        inputs = [wire.marked([*given]) for given in job.inputs] if job.exact else job.inputs
        made = [_frame([seed, given]) for seed, given in zip(job.seeds, inputs, strict=True)]
        if job.profile == "function" and sum(map(len, made)) <= _MOST_BYTES:
            with self._lock:
                self._made[key] = made
                while len(self._made) > _MOST:
                    self._made.popitem(last=False)
        return made


class _Same:
    """Inputs by identity: to find out that they are equal costs what is to be saved."""

    def __init__(self, inputs: tuple[tuple[JSON, ...], ...]) -> None:
        self.inputs = inputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.inputs is other.inputs

    def __hash__(self) -> int:
        return id(self.inputs)


def _caps(job: Job) -> dict[str, int]:
    exact = {"exact": 1} if job.exact else {}
    return {"limit": job.limits.answer_kb * 1024, **exact}


def _frame(value: object) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return wire.SIZE.pack(len(data)) + data
