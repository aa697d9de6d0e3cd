"""What programs of a task are given, drawn once for all that are judged in one place: dozens of improvers are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.plain import JSON, as_json, canonical, faithful
from selftaught.program import Program
from selftaught.sandbox import Job, Limits
from selftaught.task import Instance, Task

_BYTES, _PLACES = 1 << 22, 1024
"""As many bytes, and places, are remembered; of numbers, each byte stands for three or four in memory."""


@dataclass(frozen=True)
class Given:
    """The instances of one half of one repetition, as programs are given them."""

    instances: Sequence[Instance]
    seeds: tuple[int, ...]
    """Of a program's own chance, one for each instance."""
    inputs: tuple[tuple[JSON, ...], ...]
    exact: bool
    """Whether tuples and keys have to arrive as they are, or the task wants them to."""
    size: int
    """Bytes of the inputs, about."""

    @classmethod
    def of(cls, task: Task, instances: Sequence[Instance], seeds: tuple[int, ...]) -> Given:
        """The arguments of these instances. Raises what `canonical` does for what is no plain data."""
        inputs = [[*instance.args] for instance in instances]
        plain = faithful(inputs)
        size = len(canonical(inputs if plain else as_json(inputs)))
        return cls(instances, seeds, tuple(map(tuple, inputs)), task.exact or not plain, size)

    def job(self, task: Task, program: Program, limits: Limits) -> Job:
        """The job that a solution is on them."""
        return Job(
            program=program.text,
            entry=task.entry,
            inputs=self.inputs,
            seeds=self.seeds,
            limits=limits,
            packages=task.packages,
            exact=self.exact,
        )


class Drawn:
    """What was drawn last, by task and place. Safe from many threads: who wants what another is drawing waits for it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, tuple[Task, Given]] = OrderedDict()
        self._bytes = 0
        self._drawing: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, task: Task, place: str, draw: Callable[[], Given]) -> Given:
        """What programs of the task are given there, by `draw` where that is not remembered."""
        key = id(task), place  # the task is held, so that no other has its number
        with self._lock:
            drawing = self._drawing.setdefault(key, threading.Lock())
        with drawing:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key][1]
            try:
                given = draw()
                self._keep(key, task, given)
            finally:
                with self._lock:
                    self._drawing.pop(key, None)
            return given

    def _keep(self, key: Any, task: Task, given: Given) -> None:
        with self._lock:
            if given.size > _BYTES or key in self._kept:
                return
            self._kept[key] = task, given
            self._bytes += given.size
            while self._bytes > _BYTES or len(self._kept) > _PLACES:
                self._bytes -= self._kept.popitem(last=False)[1][1].size
