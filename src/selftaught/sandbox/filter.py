"""The system call filter of a job: an allow-list as a classic BPF program, for x86-64 and aarch64.

Everything that is not listed fails with EPERM; above all fork, exec, sockets, ptrace, mounts, namespaces and signals to
others. Calls of a foreign ABI kill. The program is a binary search over the call numbers, so that the kernel verifies
and caches it quickly: it is installed anew in every job. libseccomp is not used because its Python bindings are no
longer kept up, and the tests compare the table below with it.
"""

from __future__ import annotations

import platform
import struct

from selftaught.errors import SandboxRefused

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 1, "aarch64": 2}

# name, number on x86-64, number on aarch64 ("-": does not exist there)
TABLE = """
read 0 63 / write 1 64 / close 3 57 / fstat 5 80 / lseek 8 62 / mmap 9 222 / mprotect 10 226 / munmap 11 215
brk 12 214 / rt_sigaction 13 134 / rt_sigprocmask 14 135 / rt_sigreturn 15 139 / pread64 17 67 / pwrite64 18 68
readv 19 65 / writev 20 66 / access 21 - / pipe 22 - / select 23 - / sched_yield 24 124 / mremap 25 216 / msync 26 227
mincore 27 232 / madvise 28 233 / dup 32 23 / dup2 33 - / nanosleep 35 101 / getitimer 36 102 / alarm 37 -
setitimer 38 103 / getpid 39 172 / exit 60 93 / uname 63 160 / getcwd 79 17 / chdir 80 49 / readlink 89 -
umask 95 166 / gettimeofday 96 169 / getrlimit 97 163 / getrusage 98 165 / sysinfo 99 179 / times 100 153
getuid 102 174 / getgid 104 176 / geteuid 107 175 / getegid 108 177 / getppid 110 173 / getpgrp 111 -
sigaltstack 131 132 / gettid 186 178 / time 201 - / sched_getaffinity 204 123 / epoll_create 213 -
getdents64 217 61 / set_tid_address 218 96 / restart_syscall 219 128 / clock_gettime 228 113 / clock_getres 229 114
clock_nanosleep 230 115 / exit_group 231 94 / epoll_wait 232 - / epoll_ctl 233 21 / openat 257 56 / newfstatat 262 79
readlinkat 267 78 / faccessat 269 48 / pselect6 270 72 / ppoll 271 73 / set_robust_list 273 99 / epoll_pwait 281 22
eventfd2 290 19 / epoll_create1 291 20 / dup3 292 24 / pipe2 293 59 / getcpu 309 168 / getrandom 318 278
membarrier 324 283 / statx 332 291 / rseq 334 293 / faccessat2 439 439 / open 2 - / stat 4 - / lstat 6 - / poll 7 -
"""
# Calls that are allowed with some arguments only, or refused in a way of their own.
CHECKED = """
clone 56 220 / clone3 435 435 / fcntl 72 25 / futex 202 98 / ioctl 16 29 / prctl 157 167 / prlimit64 302 261
"""
# What asyncio needs besides, for improvers: pairs of connected local sockets.
IMPROVER = """
socketpair 53 199 / sendto 44 206 / recvfrom 45 207
"""

# What changes files, for jobs that have a folder of their own: no owners, modes, links, special files or mounts.
FILES = """
mkdir 83 - / mkdirat 258 34 / rmdir 84 - / unlink 87 - / unlinkat 263 35 / rename 82 - / renameat 264 38
truncate 76 45 / ftruncate 77 46 / fsync 74 82 / fdatasync 75 83
"""

_Step = tuple[int, int, int, int]
_Block = list[_Step]

_LOAD, _RETURN, _JEQ, _JGE, _JSET = 0x20, 0x06, 0x15, 0x35, 0x45
_EPERM, _EAGAIN, _ENOSYS = 1, 11, 38
_ALLOW: _Step = (_RETURN, 0, 0, 0x7FFF0000)
_KILL: _Step = (_RETURN, 0, 0, 0x80000000)
_DENY: _Step = (_RETURN, 0, 0, 0x00050000 | _EPERM)
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


def calls(table: str, arch: str) -> dict[str, int]:
    """Numbers by name of the calls in `table` that exist on `arch`."""
    rows = [row.split() for line in table.splitlines() if line for row in line.split("/")]
    return {row[0]: int(row[_COLUMN[arch]]) for row in rows if row[_COLUMN[arch]] != "-"}


def program(arch: str, improver: bool, files: bool) -> bytes:
    """The filter as an array of `struct sock_filter`: for functions or improvers, with or without files of their own."""
    blocks: dict[int, _Block] = {number: [_ALLOW] for number in calls(TABLE, arch).values()}
    blocks |= {number: _CHECKS[name] for name, number in calls(CHECKED, arch).items()}
    if improver:
        blocks |= {number: _CHECKS[name] for name, number in calls(IMPROVER, arch).items()}
    if files:
        blocks |= {number: [_ALLOW] for number in calls(FILES, arch).values()}
    if arch == "x86_64":
        blocks[_FOREIGN_ABI] = [_KILL]
    steps = [_load(4), (_JEQ, 1, 0, _AUDIT_ARCH[arch]), _KILL, _load(0), *_search(_ranges(blocks))]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


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
    # duplicate, close-on-exec, flags; no owners of signals, no leases, no seals
    "fcntl": _one_of(1, 0, 1, 2, 3, 4, 1030),
    "futex": _futex(),
    # TCGETS TIOCGWINSZ FIOCLEX FIONBIO FIONREAD
    "ioctl": _one_of(1, 0x5401, 0x5413, 0x5451, 0x5421, 0x541B),
    # thread names, names of memory areas
    "prctl": _one_of(0, 15, 16, 0x53564D41),
    # read one's own limits
    "prlimit64": _zero(_argument(0), _argument(2), _argument(2) + 4),
    "socketpair": _one_of(0, 1),
    "sendto": _zero(_argument(4), _argument(4) + 4),
    "recvfrom": [_ALLOW],
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
