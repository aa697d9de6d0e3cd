"""The sandbox seam: a program, plain arguments and callable host functions go in; outcomes come out.

Everything generated runs behind this seam, solutions and improvers alike. `levels.open_sandbox` gives the real thing; the
names below are all that the rest of the package knows of it.

How it is built, from the outside in: `pool` (slots, retries) talks through `server` to zygotes in the jail of `jail`;
`guest/zygote` forks a locked child per job, which runs `guest/runner`, and counts what its filter refuses
(`guest/counting`); `tools` holds our own readers and editors of generated texts; `calls` answers improvers, `reader` reads what
guests leave; `levels`, `probes`, `advice` and `doctor` say what holds on this machine.

What the sandbox does not stop, at any level:
- a bug of the kernel behind the hundred or so system calls that stay allowed (a virtual machine would);
- learning about neighbours from time, caches and load;
- using its own limits up, all slots at once, or slowing the machine by memory traffic: there is no limit over all jobs;
- one input of a batch telling the next: a program may keep state between the inputs of one job;
- one improver's threads taking those of others, on Linux before 5.14 or where a process may make no user namespace: there
  they are counted together (`doctor` lists "thread count of each job" where they are not);
- an improver's threads that race: its answer may then differ from run to run;
- chance of its own: `_random.Random()` without a seed, `ssl.RAND_bytes` and the time do not come from the job's seed;
- at level `external` on a kernel without Landlock: reading what the outer container holds, this package included;
- a wrong answer: grading stays outside, where an answer is only data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, TypedDict, cast

from selftaught.plain import JSON

Profile = Literal["function", "improver", "tool"]
OutcomeKind = Literal["answer", "error", "defect", "time", "memory", "output", "killed"]
OF_A_MACHINE: frozenset[OutcomeKind] = frozenset({"time", "memory", "killed"})
"""Outcomes that a faster machine, or one with more memory, may not come to."""
MOST_MB = 1 << 20
"""No job may ask for more MiB of memory, or of files."""
HostFunction = Callable[..., JSON]
"""Called with keyword arguments of plain data, in any of several host threads at once. Raise `errors.Refusal` to make
the guest's call fail; any other exception ends the job and comes out of `Sandbox.run`."""
Look = Callable[[], None]
"""Called now and then while a job is at work; what it raises ends the job and comes out of `Sandbox.run`."""


@dataclass(frozen=True)
class Limits:
    """What one input of a job may use. CPU time judges; wall time is only a net."""

    cpu_s: float = 1.0
    """CPU seconds per input (for an improver: in all)."""
    wall_s: float | None = None
    """Seconds by the clock, less the time a guest waits for the host; None: ten times `cpu_s` plus five."""
    memory_mb: int = 1024
    """Address space of the job in MiB."""
    answer_kb: int = 1024
    """Size of one answer (as JSON, arrays of numpy as their bytes) in KiB; all answers of a job together may take 16 times
    as much."""
    output_kb: int = 64
    """Printed output that is kept, in KiB; printing more than 64 times as much ends the job with outcome `output`."""
    files_mb: int = 0
    """MiB the program may write below /tmp, in memory and beside `memory_mb`; 0: nothing is writable. The folder is fresh
    for each process of a job, seen by no other job, and gone with it; files may live from one input to the next, as other
    state may. Level strict only; SandboxRefused where the machine does not allow it."""


def eased(limits: Limits, factor: float) -> Limits:
    """The limits with so much more time, and twice the memory: for what is known to keep them on another machine."""
    wall_s = None if limits.wall_s is None else factor * limits.wall_s
    more = {"cpu_s": factor * limits.cpu_s, "wall_s": wall_s, "memory_mb": min(MOST_MB, 2 * limits.memory_mb)}
    return replace(limits, **more)


@dataclass(frozen=True)
class Job:
    """One program to run on one or more inputs.

    `inputs[i]` are the positional arguments of the i-th call of the function `entry`; generators of random numbers are
    seeded with `seeds[i]` before it. State that a program keeps between its inputs may survive from one to the next.
    """

    program: str
    entry: str
    inputs: tuple[tuple[JSON, ...], ...]
    seeds: tuple[int, ...]
    limits: Limits = field(default_factory=Limits)
    profile: Profile = "function"
    """`function`; `improver`, which may call host functions; `tool`, which finds this project's own tools to import."""
    packages: tuple[str, ...] = ()
    """Installed packages that the program may import besides numpy."""
    exact: bool = False
    """Tuples and the keys of dicts, texts or not, arrive as they are, in the arguments and in the answer. Otherwise both are
    as JSON has them: lists, and texts as keys."""


def tool(name: str, function: str, inputs: Sequence[tuple[JSON, ...]], limits: Limits | None = None) -> Job:
    """The job that calls `function` of one of this project's own tools on each of the inputs.

    Tools are modules in the folder `sandbox/tools` which need the standard library alone. What reads generated texts
    (builds their syntax trees, matches patterns in them) is such a tool: the texts go in as data, and one that breaks it
    is an outcome, not a crash or a hang of the host.
    """
    program = f"from {name} import {function}\n"
    return Job(program, function, tuple(inputs), (0,) * len(inputs), limits or Limits(), "tool")


@dataclass(frozen=True)
class Attempt:
    """Something a program tried that is not allowed it, as an audit hook beside it saw it."""

    event: str
    """Python's name of the event: `open`, `os.fork`, `socket.connect` ..."""
    what: str
    """Its arguments, of `open` and the like the path, capped."""
    line: int
    """The line of the program that led to it; 0 when it is not known."""


class PlainAttempt(TypedDict):
    """Something a program tried that is not allowed it, as a hook within its process saw it."""

    event: str
    """Python's name of the event, e.g. `open`."""
    what: str
    """Its arguments, of `open` and the like the path, capped."""
    line: int
    """The line of the program; 0 when it is not known."""


class PlainAttempts(TypedDict):
    """What a program tried that was denied, from two sources."""

    calls: dict[str, int] | None
    """Counted outside: how often each system call was refused, or opened a file out of bounds; null where nobody counted."""
    noted: list[PlainAttempt]
    """Noted within, the first ones: a lower bound, which a program can escape or forge."""


@dataclass(frozen=True)
class Attempts:
    """What a program tried that was denied, from two sources; nothing in either means no attempt only as far as each sees.

    Calls that the C library makes for a harmless program and that are refused to it are not among them.
    """

    calls: Mapping[str, int] | None = None
    """By system call, how often it was refused by the filter, or opened a file out of bounds. Counted outside, where no program
    can change it; None where this machine does not allow that (see `doctor`)."""
    noted: tuple[Attempt, ...] = ()
    """The first ones that a hook within the guest's process saw: a lower bound, which a program can escape or forge."""

    def __bool__(self) -> bool:
        return bool(self.calls or self.noted)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Attempts:
        """Those that `plain` gave."""
        return cls(plain["calls"], tuple(Attempt(**one) for one in plain["noted"]))

    def plain(self) -> PlainAttempts:
        """As plain data, for facts and documents."""
        noted = [PlainAttempt(event=one.event, what=one.what, line=one.line) for one in self.noted]
        return {"calls": None if self.calls is None else dict(self.calls), "noted": noted}

    def fact(self) -> JSON:
        """The same for a fact."""
        return cast(JSON, self.plain())


def together(attempts: Iterable[Attempts], most: int = 32) -> Attempts:
    """Those of several inputs or programs as one: counts added up, the first `most` of what was noted, each once."""
    calls, counted, noted = Counter[str](), False, dict[Attempt, None]()
    for one in attempts:
        counted = counted or one.calls is not None
        calls.update(one.calls or {})
        noted.update(dict.fromkeys(one.noted))
    return Attempts(dict(sorted(calls.items())) if counted else None, tuple(noted)[:most])


@dataclass(frozen=True)
class Outcome:
    """What became of one input. Failures of the program are values here, never exceptions."""

    kind: OutcomeKind
    answer: JSON = None
    """The returned plain data when `kind` is `answer`."""
    error: str = ""
    """For `error`: the last line of the trace, then the trace within the program; for `defect`, why the text is no program
    that defines the entry (it was not run); otherwise which limit or layer acted."""
    output: str = ""
    """What the program printed, capped."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    denied: Attempts = field(default_factory=Attempts)
    """What the program tried that was denied, whatever became of it."""


class Resources(NamedTuple):
    """What a program used on one input, measured in turns with the start program's work on the same."""

    cpu_s: float
    """CPU seconds, in those of the first measurement of the start: how much longer than the start it took now, times what the
    start took then. So a machine that is slower for a while makes no difference."""
    peak_mb: float
    start_cpu_s: float = 0.0
    """What the start took then."""


class Sandbox(Protocol):
    """Runs jobs. Safe to use from many threads at once; the number of jobs that compute at once is its own affair."""

    level: str
    """The level in force: strict, confined, external or none. Stored with every run."""
    slots: int
    """How many jobs compute at once; callers size their threads by it. Improvers, which mostly wait, need no slot."""

    def run(
        self, job: Job, functions: Mapping[str, HostFunction] | None = None, look: Look | None = None
    ) -> tuple[Outcome, ...]:
        """One outcome per input, in order. While the job is at work `look` is called now and then; what that raises ends the
        job, and is raised.

        Raises SandboxFailure when the sandbox itself broke (after one retry on a fresh server), SandboxRefused when the
        job asks for files and cannot have them.
        """
        ...

    def close(self) -> None:
        """End every process of the sandbox."""
        ...

    def __enter__(self) -> Sandbox: ...

    def __exit__(self, *error: object) -> None: ...
