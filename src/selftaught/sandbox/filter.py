"""The system call filter of a job: an allow-list as a classic BPF program, for x86-64 and aarch64.

Everything that is not listed fails with EPERM; above all fork, exec, sockets, ptrace, mounts, namespaces and signals to
others. Calls of a foreign ABI kill. The program is a binary search over the call numbers, so that the kernel verifies
and caches it quickly: it is installed anew in every job. libseccomp is not used because its Python bindings are no
longer kept up, and the tests compare the table below with it.
"""

from __future__ import annotations

import platform
import struct
from typing import Literal

from selftaught.errors import SandboxRefused
from selftaught.sandbox.guest.wire import PLACE
from selftaught.sandbox.syscalls import CHECKED, FILES, IMPROVER, TABLE, calls

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_SPAWNS = "clone3 435 435"
"""Whether it would make a process is known only by who can look into memory."""
_OPENS = "open 2 - / openat 257 56 / chdir 80 49"

_OF_ITSELF = (
    "getgroups 115 158 / getresuid 118 148 / getresgid 120 150 / rt_sigpending 127 136"
    " / sched_get_priority_max 146 125 / sched_get_priority_min 147 126 / fsync 74 82 / fdatasync 75 83"
    " / statfs 137 43 / fstatfs 138 44"
)
_BY_NUMBER = (
    "getpgid 121 155 / getsid 124 156 / sched_getparam 143 121 / sched_getscheduler 145 120"
    " / sched_rr_get_interval 148 127"
)
"""Of the process that is named; 0 is the one that asks."""

_Step = tuple[int, int, int, int]
_Block = list[_Step]

_LOAD, _RETURN, _JEQ, _JGE, _JSET = 0x20, 0x06, 0x15, 0x35, 0x45
_EPERM, _EAGAIN, _EACCES, _ENOSYS = 1, 11, 13, 38
_ALLOW: _Step = (_RETURN, 0, 0, 0x7FFF0000)
_KILL: _Step = (_RETURN, 0, 0, 0x80000000)
_DENY: _Step = (_RETURN, 0, 0, 0x00050000 | _EPERM)
_HAND: _Step = (_RETURN, 0, 0, 0x7FC00000)
_QUIET: _Step = (_RETURN, 0, 0, 0x00050000 | _EACCES)
"""Refused like any other, but never handed over, and so not counted."""
_AGAIN: _Step = (_RETURN, 0, 0, 0x00050000 | _EAGAIN)
_ABSENT: _Step = (_RETURN, 0, 0, 0x00050000 | _ENOSYS)
_FOREIGN_ABI = 0x40000000
_THREADS = (0x3D0F00, 0x7D0F00)
"""The flags of clone in glibc and in musl."""


def machine() -> str:
    """This machine's architecture; SandboxRefused when the filter has no table for it."""
    name = platform.machine()
    if name not in _AUDIT_ARCH:
        raise SandboxRefused(f"the system call filter knows x86_64 and aarch64, not {name}: use such a machine")
    return name


Handing = Literal["nothing", "refused", "opens"]
"""What a filter hands over to be answered, and so counted, outside: nothing, so that it refuses by itself; what it would
refuse; that, what opens files, and what may make a process."""


def program(arch: str, improver: bool, files: bool, handing: Handing = "nothing") -> bytes:
    """The filter as an array of `struct sock_filter`: for functions or improvers, with or without files of their own."""
    blocks: dict[int, _Block] = {number: [_ALLOW] for number in calls(TABLE, arch).values()}
    blocks |= {number: _CHECKS[name] for name, number in calls(CHECKED, arch).items()}
    if improver:
        blocks |= {number: _CHECKS[name] for name, number in calls(IMPROVER, arch).items()}
    if files:
        blocks |= {number: [_ALLOW] for number in calls(FILES, arch).values()}
    if handing == "opens":
        blocks |= {number: [_HAND] for number in (*opens(arch), *calls(_SPAWNS, arch).values())}
    if handing != "nothing":
        # the one message by which the child hands over; see guest/counting
        blocks |= {number: _one_of(0, PLACE) for number in calls("sendmsg 46 211", arch).values()}
        blocks = _to_itself(arch) | blocks
    if arch == "x86_64":
        blocks[_FOREIGN_ABI] = [_KILL]
    steps = [_load(4), (_JEQ, 1, 0, _AUDIT_ARCH[arch]), _KILL, _load(0), *_search(_ranges(blocks))]
    if handing != "nothing":
        steps = [_HAND if step == _DENY else step for step in steps]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _to_itself(arch: str) -> dict[int, _Block]:
    """What a program asks of itself alone, or of the room on a disk, which is refused and no attempt.

    Signals to itself count: at `strict` its number is 1, which others mean by it too.
    """
    found: dict[int, _Block] = {number: [_QUIET] for number in calls(_OF_ITSELF, arch).values()}
    found |= {number: _quiet_for(0, 0) for number in calls(_BY_NUMBER, arch).values()}
    return found


def _quiet_for(index: int, value: int) -> _Block:
    """Refuse without a word where the low word of an argument is this value."""
    return [*_one_of(index, value)[:-1], _QUIET]


def opens(arch: str) -> dict[int, tuple[int, bool]]:
    """The calls that open or enter files, by number: the place of the path among their arguments, whether flags follow it."""
    return {number: (int(name == "openat"), name != "chdir") for name, number in calls(_OPENS, arch).items()}


def _load(offset: int) -> _Step:
    return (_LOAD, 0, 0, offset)


def _argument(index: int) -> int:
    """Offset of the low word of an argument; the high word follows."""
    return 16 + 8 * index


def _one_of(index: int, *values: int) -> _Block:
    """Allow when the low word of an argument is one of the values."""
    n = len(values)
    return [_load(_argument(index)), *[(_JEQ, n - i, 0, value) for i, value in enumerate(values)], _DENY, _ALLOW]


def _futex() -> _Block:
    """Locks within a process. Futexes without the private flag also work between processes that share a page of a
    library, so waiting on one is refused; as the C library joins its threads so, it is told to look again instead."""
    # wait, wake, requeue, compare and requeue, wake and operate, and by bit sets, with either clock
    load, *private = _one_of(1, *(128 | op for op in (0, 1, 3, 4, 5, 9, 10)), 256 | 128 | 9)
    waits = (0, 9, 256 | 9)
    again = [(_JEQ, len(private) + len(waits) - i - 1, 0, op) for i, op in enumerate(waits)]
    return [load, *again, *private, _AGAIN]


def _zero(*offsets: int) -> _Block:
    """Allow when all these words are zero."""
    steps: _Block = []
    for left in reversed(range(len(offsets))):
        steps += [_load(offsets[len(offsets) - 1 - left]), (_JEQ, 0, 2 * left + 1, 0)]
    return [*steps, _ALLOW, _DENY]


_CHECKS: dict[str, _Block] = {
    # a thread just as the C libraries make it: it shares all, its descriptors too, so that their limit is the job's
    "clone": _one_of(0, *_THREADS),
    # its flags lie in memory, out of a filter's sight; the C library then falls back to clone
    "clone3": [_ABSENT],
    # libraries of linear algebra ask where their memory is to lie, and do without an answer
    "mbind": [_ABSENT],
    # duplicate, close-on-exec, flags; no owners of signals, no leases, no seals
    "fcntl": _one_of(1, 0, 1, 2, 3, 4, 1030),
    "futex": _futex(),
    # TCGETS TIOCGWINSZ FIOCLEX FIONBIO FIONREAD
    "ioctl": _one_of(1, 0x5401, 0x5413, 0x5451, 0x5421, 0x541B),
    # thread names, names of memory areas
    "prctl": _one_of(0, 15, 16, 0x53564D41),
    # ask for one's own priority: what would raise it asks first
    "getpriority": _zero(_argument(0), _argument(1)),
    # read one's own limits
    "prlimit64": _zero(_argument(0), _argument(2), _argument(2) + 4),
    "socketpair": _one_of(0, 1),
    "sendto": _zero(_argument(4), _argument(4) + 4),
    "recvfrom": [_ALLOW],
    "getsockname": [_ALLOW],
}


def _ranges(blocks: dict[int, _Block]) -> list[tuple[int, _Block]]:
    """The whole line of call numbers as (first number, what to do), neighbours that agree made one."""
    line: list[tuple[int, _Block]] = [(0, [_DENY])]
    for number in sorted(blocks):
        for start, block in ((number, blocks[number]), (number + 1, [_DENY])):
            if line[-1][0] == start:
                line.pop()
            if not line or line[-1][1] != block:
                line.append((start, block))
    return line if _FOREIGN_ABI not in blocks else line[:-1]


def _search(line: list[tuple[int, _Block]]) -> _Block:
    if len(line) == 1:
        return line[0][1]
    middle = len(line) // 2
    below, above = _search(line[:middle]), _search(line[middle:])
    return [(_JGE, len(below), 0, line[middle][0]), *below, *above]
