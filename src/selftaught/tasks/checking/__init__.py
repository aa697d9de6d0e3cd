"""Trying a task before a run relies on it: what is wrong with it, one line each, with what to do.

The task's own code works in a process of its own, which is ended when it hangs; a second one, whose hashes of texts are others,
draws the same instances again. What is looked at stands in `looks`, how chance and clocks are noticed in `watching`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from selftaught.tasks.checking.findings import Finding

PATIENCE_S = 20.0
"""Seconds that a task's own code may take for one step: to be imported, to draw one half of a split, to grade."""
_HASHES = "2"
"""Another hash of texts than Python's own chance gives the first process (0: none)."""


@dataclass(frozen=True)
class _Line:
    """What the process that tries a task has said: a step that it begins, a finding, what was drawn, or nothing any more."""

    kind: str
    what: Any = None


def checked(
    spec: str, seed: int, say: Callable[[str], None] = lambda _: None, patience_s: float = PATIENCE_S
) -> list[Finding]:
    """What was found out about the tasks that a spec names, or the scorer in a file; `say` is told each step.

    A task is right when every finding is `ok`.
    """
    found: list[Finding] = []
    drawn: list[str] = []
    for told in _trying(spec, seed, "whole", "1", say, patience_s):
        if told.kind == "finding":
            found.append(Finding(**told.what))
        elif told.kind == "drawn":
            drawn.append(told.what)
    if not drawn or any(one.look == "draw" and not one.ok for one in found):
        return found
    again = [one.what for one in _trying(spec, seed, "drawing", _HASHES, say, patience_s) if one.kind == "drawn"]
    if again != drawn:
        detail = "draws other instances in another process with the same seed"
        mend = "let `rng` alone decide: the order of a set, hash(), id(), the clock and files that change differ by process"
        whose = next((one.task for one in found), spec)
        found = [one for one in found if one.look != "draw"]
        found.insert(1, Finding(whose, "draw", False, detail, mend))
    return found


def _trying(
    spec: str, seed: int, what: str, hashes: str, say: Callable[[str], None], patience_s: float
) -> Generator[_Line]:
    """What a process of its own says while it tries; where it hangs or dies, a finding as well."""
    told, tell = os.pipe()
    command = [sys.executable, "-m", "selftaught.tasks.checking.trying", spec, str(seed), what, str(tell)]
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    # Its standard output is ours, so what a task prints there is put on standard error.
    child = subprocess.Popen(command, pass_fds=[tell], env=environment, stdout=sys.stderr.fileno() if _real() else None)
    os.close(tell)
    step, ended, lines = "starting", False, _Lines(told, patience_s)
    try:
        for line in lines:
            one = _Line(*json.loads(line))
            if one.kind == "step":
                step, lines.patience_s = one.what[0], max(one.what[1], patience_s)
                say(step)
            ended = ended or one.kind == "end"
            yield one
    except TimeoutError:
        detail = f"{step} has not ended within {lines.patience_s:g} s"
        yield _Line("finding", Finding("", "time", False, detail, "a run would wait for it as well: mend it").plain())
        ended = True
    finally:
        os.close(told)
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGKILL)
        child.wait()
    if not ended:
        detail = f"{step} has ended the whole process"
        mend = "raise an exception instead of leaving Python; a crash in C is that of a package"
        yield _Line("finding", Finding("", "time", False, detail, mend).plain())


def _real() -> bool:
    """Whether standard error is a file that a process can be given; in a notebook or a test it may be none."""
    try:
        return sys.stderr.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        return False


class _Lines:
    """Lines from a pipe until it is closed. TimeoutError when none comes for as long as there is patience."""

    def __init__(self, end: int, patience_s: float) -> None:
        self._end = end
        self.patience_s = patience_s

    def __iter__(self) -> Generator[str]:
        rest = b""
        while select.select([self._end], [], [], self.patience_s)[0]:
            data = os.read(self._end, 1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode() for line in lines)
        raise TimeoutError
