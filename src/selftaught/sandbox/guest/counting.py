"""Counts, outside the guest, the calls that its filter hands over: those that are refused, and files opened out of bounds.

The kernel holds a call until the zygote has answered it, so a program cannot take a count back, or go on without one. The
zygote keeps numbers of calls and nothing else: arguments and paths stay in two buffers that are wiped after each call, for
what lay in its memory would be in that of every later job.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import sys
import time

import kernel
import wire

CHARGE_NS = 20_000
"""What each call that is handed over costs a program of its CPU time: about what the zygote needs to answer it."""
_UNKNOWN = 1023
"""Stands for all numbers from here on."""
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_THREAD, _NUMBER, _ARGUMENTS, _CALL_SIZE = 8, 16, 32, 80
_GO_ON = bytes(12) + b"\1\0\0\0"
_REFUSED, _ABSENT = (
    bytes(8) + (-error).to_bytes(4, "little", signed=True) + bytes(4) for error in (errno.EPERM, errno.ENOSYS)
)
_CHILD, _DESCRIPTOR = struct.Struct("<Q"), struct.Struct("i")
_SPACE = socket.CMSG_SPACE(_DESCRIPTOR.size)
_WARM = 16
"""How often code is run in the zygote so that Python, which adapts it to its use, no longer writes to its pages in children."""
_AT_ONCE = 256
"""More calls than these cannot wait: a thread makes one, and there are no more threads."""
_LONGEST = 4096
_WRITES, _CUTS = 0o103, 0o1000 >> 8
"""In the two low bytes of an open's flags: to write or to create; to truncate."""
_HERE = 0xFF
"""The second byte of the folder AT_FDCWD; no descriptor that a child may have has it."""
_CLONE3 = 435
"""On every machine. The C library asks by it for each thread, and does without where there is no such call."""
_MAKES_THREAD = 2, 1
"""The byte of its flags, and the bit in that, by which it makes a thread and no process."""
_SEMAPHORE = b"/dev/shm/sem."
"""How the C library names a semaphore. joblib, and with it scikit-learn, tries on import whether one can be made: there is no
such folder, so that a program that is denied it has attempted nothing."""


class Handover:
    """How listeners come from children to the zygote, each under the number of its child."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        held = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, wire.PLACE)
        theirs.close()
        if held != wire.PLACE:
            raise OSError(errno.EMFILE, "the place of the hand-over is taken")
        self._theirs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0, held)
        self._arrived: dict[int, int] = {}
        for _ in range(_WARM):
            self._send(0, 0)
            os.close(self.take(0) or 0)

    def give(self, number: int, listener: int) -> None:
        """In the child: hand its listener over, and keep neither it nor the way."""
        self._send(number, listener)
        os.close(wire.PLACE)
        os.close(listener)

    def _send(self, number: int, listener: int) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _DESCRIPTOR.pack(listener))]
        while True:
            try:
                self._theirs.sendmsg([_CHILD.pack(number)], rights)
                return
            except OSError as error:  # too many are on their way; the zygote ends this child when it takes too long
                if error.errno != errno.ETOOMANYREFS:
                    raise
                time.sleep(0.001)

    def take(self, number: int) -> int | None:
        """In the zygote: the listener of this child, if it was handed over."""
        while number not in self._arrived:
            try:
                data, ((_, _, rights),), _, _ = self._ours.recvmsg(_CHILD.size, _SPACE)
            except BlockingIOError:
                return None
            (self._arrived[_CHILD.unpack(data)[0]],) = _DESCRIPTOR.unpack(rights)
        return self._arrived.pop(number)


class Bounds:
    """Which files a job may open.

    `rules` are beginnings of paths, the longest first, each with whether what lies below may be read; `listed` are paths
    that may be looked for though others beside or below them may not; `home` is where packages lie; `top` holds what may lie at
    the top of a machine, where relative paths begin.
    """

    def __init__(
        self, rules: list[tuple[str, bool]], listed: list[str], writable: list[str], home: str, top: list[str]
    ) -> None:
        self.rules = [(path.encode(), allowed) for path, allowed in rules]
        self.listed = [path.encode() for path in listed]
        self.writable = [path.encode() for path in writable]
        self.home = home.encode()
        self.top = [name.encode() for name in top]


class Counter:
    """Answers the calls that one child's filter hands over, and counts those that are refused or out of bounds.

    `opens`: the numbers of the calls that open files, each with the place of its path among the arguments and whether flags
    follow it. `moves`: whether
    the child may have gone to a folder that is its own, so that a relative path may mean anything.
    """

    # One call is answered at a time, so one place to look at it will do for all.
    _call = bytearray(_CALL_SIZE)
    _reply = bytearray(24)
    _path = kernel.Reader(_LONGEST)

    def __init__(
        self, listener: int, pid: int, bounds: Bounds, opens: dict[int, tuple[int, bool]], moves: bool
    ) -> None:
        self.listener = listener
        self.refused: dict[int, int] = {}
        self.answered = 0
        """Both since they were last taken."""
        self._pid, self._bounds, self._opens, self._moves = pid, bounds, opens, moves

    def take(self) -> dict[int, int]:
        """How often which call was refused since this was last asked."""
        refused, self.refused, self.answered = self.refused, {}, 0
        return refused

    def answer(self) -> None:
        """Answer the call that is waiting, if it still is."""
        try:
            fcntl.ioctl(self.listener, _RECEIVE, self._call)
            self._decide()
            fcntl.ioctl(self.listener, _SEND, self._reply)
        except OSError:  # it was cut off by a signal, or by the death of its process
            pass
        finally:
            self._call[:] = bytes(_CALL_SIZE)

    def answer_all(self) -> None:
        """Answer what waits now, before the process is ended: a call that was made counts, though nobody learns the answer."""
        waiting = select.poll()
        waiting.register(self.listener, select.POLLIN)
        for _ in range(_AT_ONCE):
            if not any(event & select.POLLIN for _, event in waiting.poll(0)):
                return
            self.answer()

    def _decide(self) -> None:
        self.answered += 1
        low, high, *rest = self._call[_NUMBER : _NUMBER + 4]
        number = _UNKNOWN if high > 3 or any(rest) else high << 8 | low
        opens = self._opens.get(number)
        self._reply[:8] = self._call[:8]
        self._reply[8:] = _GO_ON if opens else _ABSENT if number == _CLONE3 else _REFUSED
        if self._out_of_bounds(*opens) if opens else number != _CLONE3 or self._makes_process():
            self.refused[number] = self.refused.get(number, 0) + 1

    def _read(self, place: int) -> bool:
        """Take in what the argument at this place points to. It is read from the thread that calls: the first one of its
        process may be gone, and with that its memory."""
        at = _ARGUMENTS + 8 * place
        thread = int.from_bytes(self._call[_THREAD : _THREAD + 4], sys.byteorder)
        return self._path.read(thread or self._pid, memoryview(self._call)[at : at + 8])

    def _makes_process(self) -> bool:
        """Whether this clone3, of which nothing comes in any case, would make another process than a thread."""
        try:
            return self._read(0) and not self._path.has(*_MAKES_THREAD)
        finally:
            self._path.wipe()

    def _out_of_bounds(self, place: int, flags: bool) -> bool:
        """Whether this job may not open the file whose path is the argument at `place`, with the flags behind it.

        The bare name of a file that is read is nothing: Python looks so for the text of whatever fails to compile. Nor is a
        path to what cannot be there, since it begins with a name that lies at the top of no machine.
        """
        call, at = self._call, _ARGUMENTS + 8 * place
        if not self._read(place):
            return False  # no path at all, as the kernel will say
        try:
            writing = flags and bool(call[at + 8] & _WRITES or call[at + 9] & _CUTS)
            if not writing and (self._nothing(flags) or any(map(self._path.equals, self._bounds.listed))):
                return False
            if not self._path.absolute():
                beside = place and call[_ARGUMENTS + 1] != _HERE
                if beside or self._moves:
                    return bool(beside) and self._path.rises()
                return writing or self._path.rises() or any(map(self._path.leads_to, self._bounds.top))
            return not self._path.settled(self._bounds.home) or not self._allowed(writing)
        finally:
            self._path.wipe()

    def _nothing(self, opens: bool) -> bool:
        """Whether it is a bare name; where that is not opened but entered, one that lies at the top of no machine."""
        return self._path.bare() and (opens or self._moves or not any(map(self._path.equals, self._bounds.top)))

    def _allowed(self, writing: bool) -> bool:
        path, bounds = self._path, self._bounds
        if path.begins(_SEMAPHORE) or any(map(path.below, bounds.writable)):
            return True
        if writing:
            return False
        for start, allowed in bounds.rules:
            if path.below(start):
                return allowed
        return False
